// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall
internal import RollcallDNS

/// A query and the bounds of the answer to it.
struct DNSExchange {
    enum Transport: Int, Sendable, CaseIterable {
        case udp, tcp
    }

    let head: QueryHead
    let bytes: UnsafeRawBufferPointer
    let transport: Transport
    /// Bytes that the answer may have.
    let limit: Int
    /// Where the option with the client's subnet is in the query.
    private let subnet: Range<Int>?

    init(_ head: QueryHead, _ bytes: UnsafeRawBufferPointer, _ transport: Transport, udpPayloadMax: Int) {
        self.head = head
        self.bytes = bytes
        self.transport = transport
        limit =
            switch transport {
            case .tcp: Int(UInt16.max)
            // RFC 1035, section 4.2.1; RFC 6891, section 6.2.3.
            case .udp: max(Self.plainPayload, min(Int(head.edns?.payloadSize ?? 0), udpPayloadMax))
            }
        subnet = head.edns.flatMap { Self.clientSubnet($0.options, bytes) }
    }

    /// Bytes of a datagram that each client can take (RFC 1035, section 4.2.1).
    static let plainPayload = 512

    var name: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[QueryHead.nameOffset ..< QueryHead.nameOffset + head.nameBytes])
    }

    var question: Question {
        // Read by `QueryHead`, which lets no other name through.
        let labels = DomainName(wireBytes: Array(name)) ?? .root
        return Question(name: labels, type: head.type, recordClass: head.recordClass)
    }

    /// The question as it was asked: the case of the name stays, too.
    var questionBytes: Range<Int> {
        let start = QueryHead.nameOffset
        return start ..< (head.questionCount == 0 ? start : start + head.nameBytes + 4)
    }

    private static func clientSubnet(_ options: Range<Int>, _ bytes: UnsafeRawBufferPointer) -> Range<Int>? {
        var offset = options.lowerBound
        while offset + 4 <= options.upperBound {
            let code = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
            let count = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
            // RFC 7871, section 6: the family, two lengths, the address.
            if code == ExtendedDNS.Option.clientSubnet {
                return (4 ... 20).contains(count) ? offset ..< offset + 4 + count : nil
            }
            offset += 4 + count
        }
        return nil
    }

    /// The bytes of the answer's OPT record.
    var optionBytes: Int { head.edns == nil ? 0 : 11 + (subnet?.count ?? 0) }

    /// The answer's OPT record as a value.
    var edns: ExtendedDNS? {
        guard let edns = head.edns else { return nil }
        var options: [ExtendedDNS.Option] = []
        if let subnet {
            var data = Array(bytes[subnet].dropFirst(4))
            data[3] = 0
            options = [ExtendedDNS.Option(code: ExtendedDNS.Option.clientSubnet, data: data)]
        }
        return ExtendedDNS(payloadSize: edns.payloadSize, isSecurityOK: edns.isSecurityOK, options: options)
    }

    /// The flags of an answer: of those of the query, RD is repeated (RFC 1035, section 4.1.1).
    func flags(_ code: ResponseCode, isAuthoritative: Bool = true) -> MessageFlags {
        var flags = MessageFlags(rawValue: head.flags.rawValue & 0x7900)
        flags.isResponse = true
        flags.isAuthoritative = isAuthoritative
        flags.lowResponseCode = code.rawValue
        return flags
    }

    /// Writes the OPT record (RFC 6891, section 6.1.2): the client's size, as Consul does, and its subnet with scope 0,
    /// as the answer is the same for all (RFC 7871, section 7.2.1).
    func writeOption(_ reply: inout ReplyBytes) {
        guard let edns = head.edns else { return }
        reply.byte(0)
        reply.word(RecordType.opt.rawValue)
        reply.word(edns.payloadSize)
        reply.word(0)
        reply.word(edns.isSecurityOK ? 0x8000 : 0)
        reply.word(UInt16(truncatingIfNeeded: subnet?.count ?? 0))
        if let subnet {
            let start = reply.count
            reply.copy(UnsafeRawBufferPointer(rebasing: bytes[subnet]))
            reply.set(0, at: start + 7)
        }
    }
}

/// An answer that is being written into memory that is large enough for it.
struct ReplyBytes {
    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    @inline(__always)
    mutating func byte(_ byte: UInt8) {
        memory[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func word(_ word: UInt16) {
        setWord(word, at: count)
        count += 2
    }

    mutating func doubleWord(_ word: UInt32) {
        self.word(UInt16(truncatingIfNeeded: word >> 16))
        self.word(UInt16(truncatingIfNeeded: word))
    }

    func set(_ byte: UInt8, at offset: Int) { memory[offset] = byte }

    @inline(__always)
    func setWord(_ word: UInt16, at offset: Int) {
        memory.storeBytes(of: word.bigEndian, toByteOffset: offset, as: UInt16.self)
    }

    @inline(__always)
    mutating func copy(_ bytes: UnsafeRawBufferPointer) {
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    /// Repeats bytes that were written before.
    mutating func copyOwn(_ range: Range<Int>) {
        copy(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[range]))
    }

    /// Leaves room for the header and repeats the question.
    mutating func begin(_ exchange: DNSExchange) {
        count = QueryHead.nameOffset
        copy(UnsafeRawBufferPointer(rebasing: exchange.bytes[exchange.questionBytes]))
    }

    /// Writes the OPT record and the header.
    mutating func end(
        _ exchange: DNSExchange, _ flags: MessageFlags, answers: Int = 0, authorities: Int = 0, additionals: Int = 0
    ) {
        exchange.writeOption(&self)
        setWord(exchange.head.id, at: 0)
        setWord(flags.rawValue, at: 2)
        setWord(exchange.head.questionCount == 0 ? 0 : 1, at: 4)
        setWord(UInt16(truncatingIfNeeded: answers), at: 6)
        setWord(UInt16(truncatingIfNeeded: authorities), at: 8)
        setWord(UInt16(truncatingIfNeeded: additionals + (exchange.head.edns == nil ? 0 : 1)), at: 10)
    }
}
