// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension Message {
    /// The message in at most `limit` bytes.
    ///
    /// Names are compressed where that is allowed. When answers or authorities do not fit, those that do are there and
    /// the message says that it is truncated; additional records that do not fit are left out without a word, as nobody
    /// asked for them (RFC 2181, section 9). Of questions and the OPT record nothing is left out.
    public func encoded(limit: Int = Int(UInt16.max)) -> [UInt8] {
        var writer = MessageWriter()
        var flags = flags
        writer.bytes += [UInt8](repeating: 0, count: MessageWriter.headerBytes)
        writer.set(id, at: 0)
        writer.set(UInt16(truncatingIfNeeded: questions.count), at: 4)
        for question in questions {
            writer.name(question.name, isCompressed: true)
            writer.word(question.type.rawValue)
            writer.word(question.recordClass.rawValue)
        }
        let option = edns.map { MessageWriter.option($0, highResponseCode: highResponseCode) } ?? []
        let limit = min(limit, Int(UInt16.max)) - option.count
        let answered = writer.records(answers, limit: limit)
        let isWhole = answered == answers.count
        let named = isWhole ? writer.records(authorities, limit: limit) : 0
        flags.isTruncated = flags.isTruncated || !isWhole || named < authorities.count
        let added = flags.isTruncated ? 0 : writer.records(additionals, limit: limit)
        writer.bytes += option
        writer.set(flags.rawValue, at: 2)
        writer.set(UInt16(truncatingIfNeeded: answered), at: 6)
        writer.set(UInt16(truncatingIfNeeded: named), at: 8)
        writer.set(UInt16(truncatingIfNeeded: added + (option.isEmpty ? 0 : 1)), at: 10)
        return writer.bytes
    }
}

/// A message that is being written.
struct MessageWriter {
    var bytes: [UInt8] = []
    /// Where names, and the ends of names, were written. Only names of the same case are taken for equal, so that none
    /// changes its looks.
    private var places: [ArraySlice<UInt8>: Int] = [:]

    static let headerBytes = 12
    /// What a pointer can reach (RFC 1035, section 4.1.4).
    static let pointerMax = 0x3FFF

    mutating func word(_ word: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: word >> 8))
        bytes.append(UInt8(truncatingIfNeeded: word))
    }

    mutating func doubleWord(_ word: UInt32) {
        self.word(UInt16(truncatingIfNeeded: word >> 16))
        self.word(UInt16(truncatingIfNeeded: word))
    }

    mutating func set(_ word: UInt16, at offset: Int) {
        bytes[offset] = UInt8(truncatingIfNeeded: word >> 8)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: word)
    }

    /// - Parameter isCompressed: Whether it may be written as a pointer to where it was written before. Later names may
    ///   point to it in any case.
    mutating func name(_ name: DomainName, isCompressed: Bool) {
        var offset = 0
        while name.wire[offset] != 0 {
            let rest = name.wire[offset...]
            if let place = places[rest] {
                if isCompressed { return word(0xC000 | UInt16(truncatingIfNeeded: place)) }
            } else if bytes.count <= Self.pointerMax {
                places[rest] = bytes.count
            }
            let end = offset + 1 + Int(name.wire[offset])
            bytes += name.wire[offset ..< end]
            offset = end
        }
        bytes.append(0)
    }

    /// Writes those of the records that fit.
    ///
    /// - Returns: How many there are: the first that does not fit is the last that is tried.
    mutating func records(_ records: [ResourceRecord], limit: Int) -> Int {
        for (index, record) in records.enumerated() {
            let start = bytes.count
            self.record(record)
            if bytes.count > limit {
                bytes.removeLast(bytes.count - start)
                places = places.filter { $0.value < start }
                return index
            }
        }
        return records.count
    }

    private mutating func record(_ record: ResourceRecord) {
        name(record.name, isCompressed: true)
        word(record.type.rawValue)
        word(record.recordClass.rawValue)
        doubleWord(record.ttl)
        let start = bytes.count
        word(0)
        data(record.data)
        set(UInt16(truncatingIfNeeded: bytes.count - start - 2), at: start)
    }

    private mutating func data(_ data: RecordData) {
        switch data {
        case .a(let address): doubleWord(address)
        case .aaaa(let high, let low): bytes += IPAddress.v6(high, low).bytes
        case .ns(let name), .cname(let name), .ptr(let name): self.name(name, isCompressed: true)
        case .txt(let strings):
            for string in strings {
                let string = string.prefix(255)
                bytes.append(UInt8(truncatingIfNeeded: string.count))
                bytes += string
            }
        case .soa(let soa):
            name(soa.primary, isCompressed: true)
            name(soa.mailbox, isCompressed: true)
            for word in [soa.serial, soa.refresh, soa.retry, soa.expire, soa.minimum] { doubleWord(word) }
        case .srv(let location):
            word(location.priority)
            word(location.weight)
            word(location.port)
            // RFC 2782: "name compression is not to be used for this field".
            name(location.target, isCompressed: false)
        case .other(_, let data): bytes += data
        }
    }

    /// The OPT record (RFC 6891, section 6.1.2).
    static func option(_ edns: ExtendedDNS, highResponseCode: UInt16) -> [UInt8] {
        var writer = MessageWriter()
        writer.bytes.append(0)
        writer.word(RecordType.opt.rawValue)
        writer.word(edns.payloadSize)
        writer.word(highResponseCode << 8 | UInt16(edns.version))
        writer.word(edns.isSecurityOK ? 0x8000 : 0)
        writer.word(UInt16(truncatingIfNeeded: edns.options.reduce(0) { $0 + 4 + $1.data.count }))
        for option in edns.options {
            writer.word(option.code)
            writer.word(UInt16(truncatingIfNeeded: option.data.count))
            writer.bytes += option.data
        }
        return writer.bytes
    }
}
