// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a query asks for (RFC 1035, section 4.1.2).
public struct Question: Sendable, Hashable {
    /// QNAME.
    public var name: DomainName
    /// QTYPE.
    public var type: RecordType
    /// QCLASS.
    public var recordClass: RecordClass

    /// A question for records of the Internet unless another class is named.
    public init(name: DomainName, type: RecordType, recordClass: RecordClass = .internet) {
        self.name = name
        self.type = type
        self.recordClass = recordClass
    }
}

/// One record of an answer (RFC 1035, section 4.1.3).
public struct ResourceRecord: Sendable, Hashable {
    /// Whose record it is.
    public var name: DomainName
    /// CLASS.
    public var recordClass: RecordClass
    /// Seconds that it may be kept.
    public var ttl: UInt32
    /// RDATA, with its type.
    public var data: RecordData

    /// - Parameter ttl: Seconds; 0 for an answer that is not to be kept.
    public init(name: DomainName, recordClass: RecordClass = .internet, ttl: UInt32, data: RecordData) {
        self.name = name
        self.recordClass = recordClass
        self.ttl = ttl
        self.data = data
    }

    /// That of its data.
    public var type: RecordType { data.type }
}

/// What a record says.
public enum RecordData: Sendable, Hashable {
    /// An IPv4 address, as ``IPAddress/v4(_:)``.
    case a(UInt32)
    /// An IPv6 address, as ``IPAddress/v6(_:_:)`` (RFC 3596).
    case aaaa(UInt64, UInt64)
    /// A name server of the zone.
    case ns(DomainName)
    /// The name that this one is an alias of.
    case cname(DomainName)
    /// A name that this one points to; mostly that of an address.
    case ptr(DomainName)
    /// Strings of at most 255 bytes each; longer ones are cut when they are written.
    case txt([[UInt8]])
    /// Who answers for the zone, and how it is kept.
    case soa(StartOfAuthority)
    /// Host and port of a service.
    case srv(ServiceLocation)
    /// Any other type, as its bytes (RFC 3597).
    case other(RecordType, [UInt8])

    /// An A or AAAA record, by the kind of the address.
    public init(_ address: IPAddress) {
        switch address {
        case .v4(let word): self = .a(word)
        case .v6(let high, let low): self = .aaaa(high, low)
        }
    }

    /// The type that stands in front of it in a message.
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
    /// MNAME: the zone's first name server.
    public var primary: DomainName
    /// RNAME: the mailbox of who is in charge, its `@` as a dot.
    public var mailbox: DomainName
    /// The version of the zone.
    public var serial: UInt32
    /// Seconds, as are the following.
    public var refresh: UInt32
    /// After a refresh that failed.
    public var retry: UInt32
    /// After which a secondary that heard nothing stops answering.
    public var expire: UInt32
    /// How long a negative answer may be kept.
    public var minimum: UInt32

    /// All times are in seconds.
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
    /// The lowest is to be tried first.
    public var priority: UInt16
    /// The share among those of one priority; 0 is a chance next to none.
    public var weight: UInt16
    /// 0 to 65535.
    public var port: UInt16
    /// The host; it has address records and is no alias.
    public var target: DomainName

    /// The fields in the order of the record.
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
    /// 0 is the only one there is.
    public var version: UInt8
    /// DO of RFC 3225: records of DNSSEC are welcome.
    public var isSecurityOK: Bool
    /// In the order of the message; codes may occur twice.
    public var options: [Option]

    /// An option of the OPT record (RFC 6891, section 6.1.2).
    public struct Option: Sendable, Hashable {
        /// OPTION-CODE, as IANA assigns them.
        public var code: UInt16
        /// What it says, by the rules of its code; at most 65,535 bytes.
        public var data: [UInt8]

        /// An option; whether the data fits the code is up to the caller.
        public init(code: UInt16, data: [UInt8]) {
            self.code = code
            self.data = data
        }

        /// The client's subnet (RFC 7871).
        public static let clientSubnet: UInt16 = 8
    }

    /// - Parameter payloadSize: In bytes; less than 512 counts as 512.
    public init(payloadSize: UInt16, version: UInt8 = 0, isSecurityOK: Bool = false, options: [Option] = []) {
        self.payloadSize = payloadSize
        self.version = version
        self.isSecurityOK = isSecurityOK
        self.options = options
    }
}

/// A message (RFC 1035, section 4.1).
public struct Message: Sendable, Hashable {
    /// Chosen by who asks, and returned by who answers.
    public var id: UInt16
    /// The second word of the header, with the lower part of the response code.
    public var flags: MessageFlags
    /// One, in practice; an answer repeats it.
    public var questions: [Question]
    /// What was asked for.
    public var answers: [ResourceRecord]
    /// Who answers for it; in a negative answer the start of authority.
    public var authorities: [ResourceRecord]
    /// Without the OPT record, which is `edns`.
    public var additionals: [ResourceRecord]
    /// `nil` for a message without the OPT record.
    public var edns: ExtendedDNS?
    /// The bits of the response code that the header has no room for.
    var highResponseCode: UInt16 = 0

    /// A query without questions unless more is given.
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

    /// - Parameter offset: In bytes from the start of the message.
    public init(_ problem: String, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    public var description: String { "no DNS message: \(problem), at byte \(offset)" }
}
