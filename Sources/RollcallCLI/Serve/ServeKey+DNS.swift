// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallDNS
internal import RollcallServer

extension ServeKey {
    /// What can be chosen about DNS.
    static let dns: [ServeKey] = [
        .flag("dns.enabled", \.dns.isEnabled, "Answer queries of the DNS for services, as Consul does."),
        ServeKey(
            name: "dns.address", expected: "a host name or an address",
            summary: "The address that DNS listens on, over UDP and TCP.",
            set: { configuration, text in
                guard !text.isEmpty, !text.contains(where: \.isWhitespace) else { return false }
                configuration.dns.host = text
                return true
            },
            get: { $0.dns.host }),
        ServeKey(
            name: "dns.port", expected: "a port, 0 to 65535",
            summary: "The port of DNS; 0 takes a free one, and so does port 0 when this is not set.",
            set: { configuration, text in
                guard let port = UInt16(text) else { return false }
                configuration.dns.port = Int(port)
                return true
            },
            get: { String($0.dns.port) }),
        ServeKey(
            name: "dns.domain", expected: "a domain name such as consul or registry.example.org",
            summary: "The domain that is answered for: web is web.service.consul in the domain consul.",
            set: { configuration, text in
                guard let domain = DomainName(text), domain != .root else { return false }
                configuration.dns.domain = domain
                return true
            },
            get: { String($0.dns.domain.description.dropLast()) }),
        .duration(
            "dns.ttl", \.dns.ttl.services, .zero ... .seconds(86_400),
            "How long an answer about a service may be kept."),
        ServeKey(
            name: "dns.service-ttl", expected: "names with durations, such as web=5s,db*=1m",
            summary: "The same for single services, or all whose names begin so: web=5s,db*=1m.",
            set: { configuration, text in
                guard let rules = timeToLiveRules(text) else { return false }
                configuration.dns.ttl.rules = rules
                return true
            },
            get: { configuration in
                configuration.dns.ttl.rules.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value.brief)" }
                    .joined(separator: ",")
            }),
        .duration(
            "dns.node-ttl", \.dns.ttl.nodes, .zero ... .seconds(86_400),
            "How long an answer about a node may be kept."),
        .duration(
            "dns.negative-ttl", \.dns.ttl.negative, .zero ... .seconds(86_400),
            "How long it may be kept that a name does not exist."),
        .flag("dns.only-passing", \.dns.onlyPassing, "Leave out instances with a check that warns."),
        .flag(
            "dns.node-metadata", \.dns.addsNodeMetadata,
            "Send the metadata of nodes along as TXT records, as Consul does."),
        .count(
            "dns.udp-answer-limit", \.dns.udpAnswersMax, 0 ... 65_535,
            "Records in an answer over UDP without EDNS; 0 leaves it to the size (Consul: 3)."),
        .count(
            "dns.address-limit", \.dns.addressAnswersMax, 0 ... 65_535,
            "Address records in any answer; 0 leaves it to the size."),
        .flag(
            "dns.truncation-flag", \.dns.flagsTruncation,
            "Say in an answer that had to be cut that it was, so that clients ask again over TCP (Consul: false)."),
        .count(
            "dns.udp-payload", \.dns.udpPayloadMax, 512 ... 65_467,
            "Bytes of an answer over UDP, however many the client can take."),
        .count(
            "dns.connections", \.dns.connectionCountMax, 1 ... 1_000_000, "Open connections for DNS of all clients."),
        .duration(
            "dns.idle-time", \.dns.idleTimeMax, .milliseconds(10) ... .seconds(86_400),
            "A connection for DNS without a query for so long is closed."),
    ]

    /// Rules such as `web=5s,db*=1m`; an empty text has none.
    private static func timeToLiveRules(_ text: String) -> [String: Duration]? {
        var rules: [String: Duration] = [:]
        for rule in text.split(separator: ",") {
            let parts = rule.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let ttl = DurationText.parse(parts[1]), ttl >= .zero, ttl <= .seconds(86_400),
                !parts[0].dropLast().contains("*"), !parts[0].contains(where: \.isWhitespace)
            else { return nil }
            rules[parts[0].lowercased()] = ttl
        }
        return rules
    }
}
