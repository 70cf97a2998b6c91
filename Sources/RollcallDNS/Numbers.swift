// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The type of a record or of a question.
public struct RecordType: RawRepresentable, Sendable, Hashable {
    public let rawValue: UInt16

    @inlinable
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    // RFC 1035, section 3.2.2.
    /// An IPv4 address.
    public static let a = RecordType(rawValue: 1)
    /// A name server.
    public static let ns = RecordType(rawValue: 2)
    /// An alias.
    public static let cname = RecordType(rawValue: 5)
    /// The start of a zone of authority.
    public static let soa = RecordType(rawValue: 6)
    /// A pointer to a name.
    public static let ptr = RecordType(rawValue: 12)
    /// Texts.
    public static let txt = RecordType(rawValue: 16)
    /// RFC 3596.
    public static let aaaa = RecordType(rawValue: 28)
    /// RFC 2782.
    public static let srv = RecordType(rawValue: 33)
    /// RFC 6891: no record of a name, but properties of the message.
    public static let opt = RecordType(rawValue: 41)
    // Questions only: RFC 1995, RFC 5936, RFC 8482.
    /// What has changed in a zone.
    public static let ixfr = RecordType(rawValue: 251)
    /// A whole zone.
    public static let axfr = RecordType(rawValue: 252)
    /// Whatever there is.
    public static let any = RecordType(rawValue: 255)
}

extension RecordType: CustomStringConvertible {
    private static let names: [UInt16: String] = [
        1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 16: "TXT", 28: "AAAA", 33: "SRV", 41: "OPT", 251: "IXFR",
        252: "AXFR", 255: "ANY",
    ]

    /// The mnemonic; `TYPE123` when it is not known here (RFC 3597, section 5).
    public var description: String { Self.names[rawValue] ?? "TYPE\(rawValue)" }
}

/// The class of a record or of a question (RFC 1035, section 3.2.4).
public struct RecordClass: RawRepresentable, Sendable, Hashable {
    public let rawValue: UInt16

    @inlinable
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// IN.
    public static let internet = RecordClass(rawValue: 1)
    /// Questions only.
    public static let any = RecordClass(rawValue: 255)
}

/// What became of a query (RFC 1035, section 4.1.1; above 15 only with EDNS: RFC 6891, section 6.1.3).
public struct ResponseCode: RawRepresentable, Sendable, Hashable {
    public let rawValue: UInt16

    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// NOERROR; an answer without records when there are none of the type.
    public static let noError = ResponseCode(rawValue: 0)
    /// FORMERR: the query cannot be read.
    public static let formatError = ResponseCode(rawValue: 1)
    /// SERVFAIL: the server cannot answer now.
    public static let serverFailure = ResponseCode(rawValue: 2)
    /// NXDOMAIN.
    public static let nameError = ResponseCode(rawValue: 3)
    /// NOTIMP: a kind of query that the server does not know.
    public static let notImplemented = ResponseCode(rawValue: 4)
    /// REFUSED: not for this zone, or not for this client.
    public static let refused = ResponseCode(rawValue: 5)
    /// RFC 6891: a version of EDNS that is not spoken.
    public static let badVersion = ResponseCode(rawValue: 16)
}

extension ResponseCode: CustomStringConvertible {
    private static let names: [UInt16: String] = [
        0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 16: "BADVERS",
    ]

    public var description: String { Self.names[rawValue] ?? "RCODE\(rawValue)" }
}

/// The second word of a message's header: what it is, and how it is to be understood (RFC 1035, section 4.1.1).
public struct MessageFlags: RawRepresentable, Sendable, Hashable {
    public var rawValue: UInt16

    @inlinable
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// QR.
    public var isResponse: Bool {
        get { has(0x8000) }
        set { set(0x8000, newValue) }
    }
    /// AA.
    public var isAuthoritative: Bool {
        get { has(0x0400) }
        set { set(0x0400, newValue) }
    }
    /// TC.
    public var isTruncated: Bool {
        get { has(0x0200) }
        set { set(0x0200, newValue) }
    }
    /// RD.
    public var isRecursionDesired: Bool {
        get { has(0x0100) }
        set { set(0x0100, newValue) }
    }
    /// RA.
    public var isRecursionAvailable: Bool {
        get { has(0x0080) }
        set { set(0x0080, newValue) }
    }
    /// 0 is an ordinary query.
    public var opcode: UInt8 {
        get { UInt8(truncatingIfNeeded: rawValue >> 11) & 0xF }
        set { rawValue = rawValue & ~0x7800 | UInt16(newValue & 0xF) << 11 }
    }
    /// The lower four bits of the response code.
    public var lowResponseCode: UInt16 {
        get { rawValue & 0xF }
        set { rawValue = rawValue & ~0xF | newValue & 0xF }
    }

    private func has(_ bit: UInt16) -> Bool { rawValue & bit != 0 }
    private mutating func set(_ bit: UInt16, _ isSet: Bool) { rawValue = isSet ? rawValue | bit : rawValue & ~bit }
}
