// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a query asks for (RFC 1035, section 4.1.2).
public struct Question: Sendable, Hashable {
    public var name: DomainName
    public var type: RecordType
    public var recordClass: RecordClass

    public init(name: DomainName, type: RecordType, recordClass: RecordClass = .internet) {
        self.name = name
        self.type = type
        self.recordClass = recordClass
    }
}

/// One record of an answer (RFC 1035, section 4.1.3).
public struct ResourceRecord: Sendable, Hashable {
    public var name: DomainName
    public var recordClass: RecordClass
    /// Seconds that it may be kept.
    public var ttl: UInt32
    public var data: RecordData

    public init(name: DomainName, recordClass: RecordClass = .internet, ttl: UInt32, data: RecordData) {
        self.name = name
        self.recordClass = recordClass
        self.ttl = ttl
        self.data = data
    }

    public var type: RecordType { data.type }
}

/// What a record says.
public enum RecordData: Sendable, Hashable {
    case a(UInt32)
    case aaaa(UInt64, UInt64)
    case ns(DomainName)
    case cname(DomainName)
    case ptr(DomainName)
    /// Strings of at most 255 bytes each; longer ones are cut when they are written.
    case txt([[UInt8]])
    case soa(StartOfAuthority)
    case srv(ServiceLocation)
    /// Any other type, as its bytes (RFC 3597).
    case other(RecordType, [UInt8])

    public init(_ address: IPAddress) {
        switch address {
        case .v4(let word): self = .a(word)
        case .v6(let high, let low): self = .aaaa(high, low)
        }
    }

    public var type: RecordType {
        switch self {
        case .a: .a
        case .aaaa: .aaaa
        case .ns: .ns
        case .cname: .cname
        case .ptr: .ptr
        case .txt: .txt
        case .soa: .soa
        case .srv: .srv
        case .other(let type, _): type
        }
    }
}

/// The start of a zone of authority (RFC 1035, section 3.3.13; `minimum` as of RFC 2308, section 4).
public struct StartOfAuthority: Sendable, Hashable {
    public var primary: DomainName
    public var mailbox: DomainName
    public var serial: UInt32
    /// Seconds, as are the following.
    public var refresh: UInt32
    public var retry: UInt32
    public var expire: UInt32
    /// How long a negative answer may be kept.
    public var minimum: UInt32

    public init(
        primary: DomainName, mailbox: DomainName, serial: UInt32, refresh: UInt32, retry: UInt32, expire: UInt32,
        minimum: UInt32
    ) {
        self.primary = primary
        self.mailbox = mailbox
        self.serial = serial
        self.refresh = refresh
        self.retry = retry
        self.expire = expire
        self.minimum = minimum
    }
}

/// Where a service is (RFC 2782).
public struct ServiceLocation: Sendable, Hashable {
    public var priority: UInt16
    public var weight: UInt16
    public var port: UInt16
    public var target: DomainName

    public init(priority: UInt16, weight: UInt16, port: UInt16, target: DomainName) {
        self.priority = priority
        self.weight = weight
        self.port = port
        self.target = target
    }
}

/// The extension of the protocol that a message uses (EDNS, RFC 6891).
public struct ExtendedDNS: Sendable, Hashable {
    /// Bytes of a datagram that the sender can take.
    public var payloadSize: UInt16
    public var version: UInt8
    /// DO of RFC 3225: records of DNSSEC are welcome.
    public var isSecurityOK: Bool
    public var options: [Option]

    public struct Option: Sendable, Hashable {
        public var code: UInt16
        public var data: [UInt8]

        public init(code: UInt16, data: [UInt8]) {
            self.code = code
            self.data = data
        }

        /// The client's subnet (RFC 7871).
        public static let clientSubnet: UInt16 = 8
    }

    public init(payloadSize: UInt16, version: UInt8 = 0, isSecurityOK: Bool = false, options: [Option] = []) {
        self.payloadSize = payloadSize
        self.version = version
        self.isSecurityOK = isSecurityOK
        self.options = options
    }
}

/// A message (RFC 1035, section 4.1).
public struct Message: Sendable, Hashable {
    public var id: UInt16
    public var flags: MessageFlags
    public var questions: [Question]
    public var answers: [ResourceRecord]
    public var authorities: [ResourceRecord]
    /// Without the OPT record, which is `edns`.
    public var additionals: [ResourceRecord]
    public var edns: ExtendedDNS?
    /// The bits of the response code that the header has no room for.
    var highResponseCode: UInt16 = 0

    public init(
        id: UInt16, flags: MessageFlags = MessageFlags(rawValue: 0), questions: [Question] = [],
        answers: [ResourceRecord] = [], authorities: [ResourceRecord] = [], additionals: [ResourceRecord] = [],
        edns: ExtendedDNS? = nil
    ) {
        self.id = id
        self.flags = flags
        self.questions = questions
        self.answers = answers
        self.authorities = authorities
        self.additionals = additionals
        self.edns = edns
    }

    /// Above 15 it is lost when the message has no `edns`.
    public var responseCode: ResponseCode {
        get { ResponseCode(rawValue: highResponseCode << 4 | flags.lowResponseCode) }
        set {
            flags.lowResponseCode = newValue.rawValue
            highResponseCode = newValue.rawValue >> 4 & 0xFF
        }
    }
}

/// A message cannot be read.
public struct DNSFormatError: Error, Hashable, CustomStringConvertible {
    /// What is wrong, such as "a name ends outside the message".
    public let problem: String
    /// Where in the message.
    public let offset: Int

    public init(_ problem: String, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    public var description: String { "no DNS message: \(problem), at byte \(offset)" }
}
