// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import RollcallDNS

/// Where the DNS dialect listens, what it says, and what it tolerates from a client.
public struct DNSConfiguration: Sendable, Hashable {
    /// Whether there is DNS at all.
    public var isEnabled = false
    /// The address to listen on, for UDP and TCP: a host name or an address literal.
    public var host = "127.0.0.1"
    /// The port, the same for both (Consul's default); 0 takes a free one.
    public var port = 8600
    /// The zone that is answered for.
    public var domain = DNSConfiguration.standardDomain
    /// How long clients may keep answers.
    public var ttl = DNSTimesToLive()
    /// Whether instances with a warning are left out.
    public var onlyPassing = false
    /// Whether the metadata of nodes is sent along as TXT records when nobody asked for it, as Consul does.
    public var addsNodeMetadata = true
    /// Answers to one query over UDP without EDNS, or with EDNS of 512 bytes; 0 leaves it to the size. Consul: 3.
    public var udpAnswersMax = 0
    /// Address answers to one query on any transport; 0 leaves it to the size.
    public var addressAnswersMax = 0
    /// Whether an answer that had to be cut says so, and clients ask again over TCP. Consul by default does not say so.
    public var flagsTruncation = true
    /// Bytes of a datagram, whatever the client can take. Consul's limit.
    public var udpPayloadMax = 65_467
    /// Open connections of all clients. One more is closed at once.
    public var connectionCountMax = 1024
    /// A connection without a query for so long is closed (RFC 7766, section 6.2.3).
    public var idleTimeMax: Duration = .seconds(10)
    /// Bytes that a client may leave unread, before its further queries are not read either.
    public var unreadBytesMax = 256 * 1024

    /// The defaults, to be changed property by property.
    public init() {}

    /// `consul.`, which Consul's clients ask for.
    public static let standardDomain = DomainName(labels: ["consul".utf8]) ?? .root
}

/// How long answers may be kept.
public struct DNSTimesToLive: Sendable, Hashable {
    /// Records of services without a rule of their own.
    public var services: Duration = .zero
    /// By the name of the service in lower case; a rule whose name ends in `*` is for all that begin so, of which the
    /// longest counts.
    public var rules: [String: Duration] = [:]
    /// Records of nodes.
    public var nodes: Duration = .zero
    /// That there is nothing.
    public var negative: Duration = .zero

    /// Nothing is kept, as Consul's default.
    public init() {}

    /// For the records of a service.
    ///
    /// - Parameter folded: Its name in lower case.
    func of(service folded: String) -> Duration {
        if let exact = rules[folded] { return exact }
        let prefixes = rules.keys.filter { $0.hasSuffix("*") && folded.hasPrefix($0.dropLast()) }
        return prefixes.max { $0.utf8.count < $1.utf8.count }.flatMap { rules[$0] } ?? services
    }
}

extension Duration {
    /// As a record says it: whole seconds.
    var dnsSeconds: UInt32 { UInt32(clamping: components.seconds) }
}
