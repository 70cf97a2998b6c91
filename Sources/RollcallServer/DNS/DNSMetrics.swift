// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import CoreMetrics
internal import RollcallDNS

/// The measurements of the DNS dialect. Handles are made once, at start.
struct DNSMetrics: Sendable {
    /// By transport, then by response code, the last one for all that have no counter of their own.
    private let answers: [[Counter]]
    private let cut: [Counter]
    private let ignored: Counter
    private let connectionsOpen: Meter
    private let connectionsRefused: Counter

    private static let codes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "other"]

    init(factory: any MetricsFactory) {
        let transports = DNSExchange.Transport.allCases.map { "\($0)" }
        answers = transports.map { transport in
            Self.codes.map { code in
                let dimensions = [("transport", transport), ("code", code)]
                return Counter(label: "rollcall_dns_answers", dimensions: dimensions, factory: factory)
            }
        }
        cut = transports.map { transport in
            Counter(label: "rollcall_dns_cut_answers", dimensions: [("transport", transport)], factory: factory)
        }
        ignored = Counter(label: "rollcall_dns_ignored", factory: factory)
        connectionsOpen = Meter(label: "rollcall_dns_connections_open", factory: factory)
        connectionsRefused = Counter(label: "rollcall_dns_connections_refused", factory: factory)
    }

    func answered(_ outcome: DNSDialect.Outcome?, over transport: DNSExchange.Transport) {
        guard let outcome else { return ignored.increment() }
        answers[transport.rawValue][min(Int(outcome.code.rawValue), Self.codes.count - 1)].increment()
        if outcome.isCut { cut[transport.rawValue].increment() }
    }

    func connectionOpened() { connectionsOpen.increment() }
    func connectionClosed() { connectionsOpen.decrement() }
    func connectionRefused() { connectionsRefused.increment() }

    /// What the metrics say about themselves.
    static let help: [String: String] = [
        "rollcall_dns_answers": "Queries answered, by transport and response code.",
        "rollcall_dns_cut_answers": "Answers of which records had to be left out.",
        "rollcall_dns_ignored": "Messages that were no queries, and were not answered.",
        "rollcall_dns_connections_open": "Connections for DNS open now.",
        "rollcall_dns_connections_refused": "Connections for DNS closed at once, because there were too many.",
    ]
}
