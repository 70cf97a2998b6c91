// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension Message {
    /// Reads a whole message. What follows it in `bytes` is not looked at.
    ///
    /// The work is bounded by the size of `bytes`: a compressed name may only point backwards, so that it ends (RFC
    /// 1035, section 4.1.4, says "a prior occurrence").
    public init(parsing bytes: [UInt8]) throws(DNSFormatError) {
        var reader = MessageReader(bytes)
        self.init(id: try reader.word(), flags: MessageFlags(rawValue: try reader.word()))
        let counts = (try reader.word(), try reader.word(), try reader.word(), try reader.word())
        for _ in 0 ..< counts.0 {
            let name = try reader.name()
            questions.append(
                Question(
                    name: name, type: RecordType(rawValue: try reader.word()),
                    recordClass: RecordClass(rawValue: try reader.word())))
        }
        for _ in 0 ..< counts.1 { answers += try record(&reader) }
        for _ in 0 ..< counts.2 { authorities += try record(&reader) }
        for _ in 0 ..< counts.3 { additionals += try record(&reader) }
    }

    /// The next record; an OPT record is taken as a property of the message.
    private mutating func record(_ reader: inout MessageReader) throws(DNSFormatError) -> [ResourceRecord] {
        let start = reader.offset
        let name = try reader.name()
        let type = RecordType(rawValue: try reader.word())
        let recordClass = RecordClass(rawValue: try reader.word())
        let ttl = try reader.doubleWord()
        guard type == .opt else {
            return [ResourceRecord(name: name, recordClass: recordClass, ttl: ttl, data: try reader.data(type))]
        }
        guard edns == nil, name.wire.count == 1 else {
            throw DNSFormatError("a second OPT record, or one with a name", at: start)
        }
        highResponseCode = UInt16(ttl >> 24)
        edns = ExtendedDNS(
            payloadSize: recordClass.rawValue, version: UInt8(truncatingIfNeeded: ttl >> 16),
            isSecurityOK: ttl & 0x8000 != 0, options: try reader.options())
        return []
    }
}

/// A place in a message.
struct MessageReader {
    private let bytes: [UInt8]
    private(set) var offset = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func word() throws(DNSFormatError) -> UInt16 {
        let taken = try take(2)
        return UInt16(taken[taken.startIndex]) << 8 | UInt16(taken[taken.startIndex + 1])
    }

    mutating func doubleWord() throws(DNSFormatError) -> UInt32 { UInt32(try word()) << 16 | UInt32(try word()) }

    mutating func take(_ count: Int) throws(DNSFormatError) -> ArraySlice<UInt8> {
        guard count <= bytes.count - offset else {
            throw DNSFormatError("it ends within a field of \(count) bytes", at: offset)
        }
        defer { offset += count }
        return bytes[offset ..< offset + count]
    }

    mutating func name() throws(DNSFormatError) -> DomainName {
        var wire: [UInt8] = []
        var place = offset
        // Where the labels that are being read began: a pointer must lead before that.
        var bound = offset
        var end: Int?
        while true {
            guard place < bytes.count else { throw DNSFormatError("a name ends outside of it", at: place) }
            let length = Int(bytes[place])
            switch length >> 6 {
            case 0:
                guard place + length < bytes.count else { throw DNSFormatError("a name ends outside of it", at: place) }
                guard wire.count + length + 1 <= DomainName.bytesMax else {
                    throw DNSFormatError("a name of more than \(DomainName.bytesMax) bytes", at: place)
                }
                wire += bytes[place ... place + length]
                place += length + 1
                if length == 0 {
                    offset = end ?? place
                    return DomainName(wire: wire)
                }
            case 3:
                guard place + 1 < bytes.count else { throw DNSFormatError("a name ends outside of it", at: place) }
                let target = (length & 0x3F) << 8 | Int(bytes[place + 1])
                guard target < bound else { throw DNSFormatError("a name that points forwards", at: place) }
                if end == nil { end = place + 2 }
                (place, bound) = (target, target)
            default:
                // RFC 6891, section 5: other forms of labels are not to be used.
                throw DNSFormatError("a label of an unknown form", at: place)
            }
        }
    }

    /// The rest of a record, from the length of its data on.
    mutating func data(_ type: RecordType) throws(DNSFormatError) -> RecordData {
        let length = Int(try word())
        let start = offset
        guard length <= bytes.count - start else {
            throw DNSFormatError("it ends within a field of \(length) bytes", at: start)
        }
        let data: RecordData =
            switch type {
            case .a where length == 4: .a(try doubleWord())
            case .aaaa where length == 16: .aaaa(try quadWord(), try quadWord())
            case .ns: .ns(try name())
            case .cname: .cname(try name())
            case .ptr: .ptr(try name())
            case .txt: .txt(try strings(length))
            case .soa: .soa(try startOfAuthority())
            case .srv:
                .srv(
                    ServiceLocation(
                        priority: try word(), weight: try word(), port: try word(), target: try name()))
            case .a, .aaaa: throw DNSFormatError("an address of \(length) bytes", at: start)
            default: .other(type, Array(try take(length)))
            }
        guard offset == start + length else {
            throw DNSFormatError("data of \(offset - start) bytes that are said to be \(length)", at: start)
        }
        return data
    }

    private mutating func quadWord() throws(DNSFormatError) -> UInt64 {
        UInt64(try doubleWord()) << 32 | UInt64(try doubleWord())
    }

    private mutating func startOfAuthority() throws(DNSFormatError) -> StartOfAuthority {
        StartOfAuthority(
            primary: try name(), mailbox: try name(), serial: try doubleWord(), refresh: try doubleWord(),
            retry: try doubleWord(), expire: try doubleWord(), minimum: try doubleWord())
    }

    private mutating func strings(_ length: Int) throws(DNSFormatError) -> [[UInt8]] {
        var strings: [[UInt8]] = []
        let end = offset + length
        while offset < end {
            let count = Int(try take(1).first ?? 0)
            guard count <= end - offset else { throw DNSFormatError("a string ends outside of its record", at: offset) }
            strings.append(Array(try take(count)))
        }
        return strings
    }

    /// The options of an OPT record, from the length of its data on (RFC 6891, section 6.1.2).
    mutating func options() throws(DNSFormatError) -> [ExtendedDNS.Option] {
        let length = Int(try word())
        let end = offset + length
        var options: [ExtendedDNS.Option] = []
        while offset < end {
            let code = try word()
            let count = Int(try word())
            guard count <= end - offset else { throw DNSFormatError("an option ends outside its record", at: offset) }
            options.append(ExtendedDNS.Option(code: code, data: Array(try take(count))))
        }
        guard offset == end else { throw DNSFormatError("an option ends outside of its record", at: offset) }
        return options
    }
}
