// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a server has to know of a query, read in place: nothing is copied, and nothing of the answer sections is kept.
public struct QueryHead: Sendable, Hashable {
    /// To be returned in the answer.
    public var id: UInt16
    /// The second word of the header.
    public var flags: MessageFlags
    /// QDCOUNT, 0 to 65535.
    public var questionCount: Int
    /// The bytes of the first question's name, which begins at `nameOffset` and is never compressed: there is nothing
    /// before it to point to. 0 without a question.
    public var nameBytes = 0
    /// The first question's type; 0 without a question.
    public var type = RecordType(rawValue: 0)
    /// The first question's class; 0 without a question.
    public var recordClass = RecordClass(rawValue: 0)
    /// `nil` for a query without the OPT record.
    public var edns: Extension?

    /// The OPT record of a query.
    public struct Extension: Sendable, Hashable {
        /// Bytes of a datagram that the client can take. Below 512 means 512 (RFC 6891, section 6.2.3).
        public var payloadSize: UInt16
        /// Above 0 it is answered with ``ResponseCode/badVersion``.
        public var version: UInt8
        /// DO of RFC 3225, which the answer returns.
        public var isSecurityOK: Bool
        /// Where its options are in the message, each with its code and its length. They are well-formed.
        public var options: Range<Int>
    }

    /// Where the first question's name begins: after the header (RFC 1035, section 4.1.1).
    public static let nameOffset = 12

    /// What the bytes of a datagram, or of a message over TCP, are.
    public enum Outcome: Sendable, Hashable {
        /// No query: no answer either. Answering an answer would let two servers talk forever.
        case ignored
        /// It cannot be read beyond its header.
        case malformed(id: UInt16, flags: MessageFlags)
        /// A query whose head is well-formed.
        case query(QueryHead)
    }

    /// Reads a query. The work is bounded by its size.
    public static func read(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        guard bytes.count >= nameOffset else { return .ignored }
        let flags = MessageFlags(rawValue: word(bytes, 2))
        let id = word(bytes, 0)
        guard flags.rawValue & 0x8000 == 0 else { return .ignored }
        var head = QueryHead(id: id, flags: flags, questionCount: Int(word(bytes, 4)))
        guard let end = head.readQuestions(bytes),
            head.readRecords(
                bytes, from: end, ordinary: Int(word(bytes, 6)) + Int(word(bytes, 8)), additional: Int(word(bytes, 10)))
        else { return .malformed(id: id, flags: flags) }
        return .query(head)
    }

    init(id: UInt16, flags: MessageFlags, questionCount: Int) {
        self.id = id
        self.flags = flags
        self.questionCount = questionCount
    }

    /// - Returns: Where the questions end; `nil` when they do not.
    mutating func readQuestions(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard questionCount > 0 else { return Self.nameOffset }
        var offset = Self.nameOffset
        while true {
            guard offset < bytes.count else { return nil }
            let length = Int(bytes[offset])
            guard length <= DomainName.labelBytesMax else { return nil }
            offset += length + 1
            if length == 0 { break }
        }
        nameBytes = offset - Self.nameOffset
        guard nameBytes <= DomainName.bytesMax, offset + 4 <= bytes.count else { return nil }
        type = RecordType(rawValue: Self.word(bytes, offset))
        recordClass = RecordClass(rawValue: Self.word(bytes, offset + 2))
        offset += 4
        for _ in 1 ..< max(questionCount, 1) {
            guard let end = Self.endOfName(bytes, offset), end + 4 <= bytes.count else { return nil }
            offset = end + 4
        }
        return offset
    }

    mutating func readRecords(
        _ bytes: UnsafeRawBufferPointer, from start: Int, ordinary: Int, additional: Int
    ) -> Bool {
        var offset = start
        for index in 0 ..< ordinary + additional {
            guard let end = Self.endOfName(bytes, offset), end + 10 <= bytes.count else { return false }
            let data = end + 10 ..< end + 10 + Int(Self.word(bytes, end + 8))
            guard data.upperBound <= bytes.count else { return false }
            if Self.word(bytes, end) == RecordType.opt.rawValue {
                // RFC 6891, section 6.1.1: in the additional section, once, with the root's name.
                guard index >= ordinary, edns == nil, end == offset + 1, Self.areOptions(bytes, data) else {
                    return false
                }
                edns = Extension(
                    payloadSize: Self.word(bytes, end + 2), version: bytes[end + 5],
                    isSecurityOK: bytes[end + 6] & 0x80 != 0, options: data)
            }
            offset = data.upperBound
        }
        return true
    }

    static func areOptions(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Bool {
        var offset = range.lowerBound
        while offset + 4 <= range.upperBound { offset += 4 + Int(word(bytes, offset + 2)) }
        return offset == range.upperBound
    }

    /// Where a name ends that may end in a pointer. Where that leads is not looked at.
    static func endOfName(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int? {
        var offset = start
        while offset < bytes.count {
            let length = Int(bytes[offset])
            if length == 0 { return offset + 1 }
            if length >= 0xC0 { return offset + 2 <= bytes.count ? offset + 2 : nil }
            guard length <= DomainName.labelBytesMax else { return nil }
            offset += length + 1
        }
        return nil
    }

    @inline(__always)
    static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt16 {
        UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
    }
}
