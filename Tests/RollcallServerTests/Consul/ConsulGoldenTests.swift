// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallServer
import RollcallTesting
import Testing

/// Replays what was asked of a real Consul, in its order, and compares every answer that was recorded.
@Suite("Recorded answers of Consul 1.10", .timeLimit(.minutes(3)))
struct ConsulGoldenTests {
    /// A place where this server is meant to answer otherwise.
    private struct Difference: Sendable {
        let reason: String
        let isMeant: @Sendable (GoldenExchange, GoldenComparison.Finding) -> Bool
    }

    /// Every deliberate difference; `Docs/consul.md` lists them as well.
    private static let differences = [
        Difference(reason: "there is no user interface below /, and what is outside of /v1 is the native API's") {
            exchange, _ in ["/", "/nope"].contains(exchange.path)
        },
        Difference(reason: "an output is in the catalog at once: Consul's agents tell it late, or with the next status") {
            exchange, finding in exchange.path.hasPrefix("/v1/health/") && finding.place.hasSuffix(".Output")
        },
        Difference(reason: "nothing streams between an agent and a server, and the leader is known always") {
            exchange, finding in
            exchange.answer?.headers["X-Consul-Query-Backend"] == "streaming"
                && ["header X-Consul-Query-Backend", "header X-Consul-Knownleader"].contains(finding.place)
        },
        Difference(reason: "a query finds web-1, whose check passes: why the recording leaves it out is not known") {
            exchange, finding in exchange.name == "query execute" && finding.place == ".Nodes"
        },
        Difference(reason: "the build that members tell is Rollcall's") { exchange, finding in
            exchange.path == "/v1/agent/members" && finding.place.hasSuffix(".Tags.build")
        },
    ]

    private static let configuration: ServerConfiguration = {
        var configuration = ServerConfiguration()
        configuration.consul.nodeName = "golden-node"
        configuration.consul.version = "1.10.11"
        configuration.consul.serverPort = 19300
        // The recorded checks change as the sequence wants them to.
        configuration.health.scheduler.flaps.changes = 0
        return configuration
    }()

    @Test("every recorded answer is given, but for the differences that are meant")
    func replay() async throws {
        let exchanges = try GoldenExchange.all()
        try #require(exchanges.count == 202)
        try await RunningServer.run(Self.configuration) { server in
            var comparison = GoldenComparison(port: server.port)
            var used: Set<String> = []
            for exchange in exchanges {
                try await Self.prepare(exchange, server)
                let reply = try await Self.send(exchange, comparison, server)
                if exchange.name == "session 2", let id = reply.json["ID"]?.stringValue {
                    // Its answer is left out of the recording, its identifier is asked for later.
                    comparison.translate("7c4b42f7-2198-04da-247f-aa65e5a73805", to: id)
                }
                for finding in comparison.findings(exchange, reply) {
                    if let meant = Self.differences.first(where: { $0.isMeant(exchange, finding) }) {
                        used.insert(meant.reason)
                    } else {
                        Issue.record("line \(exchange.line) (\(exchange.name)), \(exchange.target): \(finding)")
                    }
                }
            }
            #expect(used == Set(Self.differences.map(\.reason)), "a difference that is no longer one")
        }
    }

    private static func send(_ exchange: GoldenExchange, _ comparison: GoldenComparison, _ server: RunningServer)
        async throws -> RunningServer.Reply
    {
        let target = comparison.translatedTarget(exchange.target)
        let body = exchange.body.map(comparison.translated)
        guard exchange.name == "blocking woken by change" else {
            return try await server.request(exchange.method, target, body, headers: exchange.headers)
        }
        // The change was made by another client, whose request is not in the recording.
        let observers = server.registry.catalog.observerCount
        async let reply = server.request(exchange.method, target, body, headers: exchange.headers)
        var rounds = 0
        while server.registry.catalog.observerCount == observers, rounds < 5000 {
            // Nobody is told that a request has begun to wait.
            try await Task.sleep(for: .milliseconds(1))
            rounds += 1
        }
        #expect(rounds < 5000, "the query did not wait")
        let change = #"{"Node":"ext","Address":"192.0.2.9","Service":{"ID":"db-2","Service":"db","Port":5433}}"#
        _ = try await server.request("PUT", "/v1/catalog/register", change)
        return try await reply
    }

    /// Lets the checks run where the recording was paused for them.
    private static func prepare(_ exchange: GoldenExchange, _ server: RunningServer) async throws {
        let awaited: [String: (String, HealthCheck.Status)]
        switch exchange.name {
        case "agent services":
            awaited = [
                "httpcheck": ("HTTP GET", .passing), "http404": ("HTTP GET", .critical),
                "tcpcheck": ("dial tcp", .critical), "alias": ("Aliased check", .critical),
            ]
        // Consul's alias hears of its service at once, and of checks of the node within a minute.
        case "check register node": awaited = ["alias": ("All checks passing.", .passing)]
        default: return
        }
        // Each check is asked once: time stands still until all have answered.
        server.clock.advance(by: .milliseconds(1200))
        for (service, (output, status)) in awaited {
            while true {
                let check = server.registry.catalog.snapshot(of: ServiceName(service)).instances.first?.checks.first
                if check?.status == status, check?.output.hasPrefix(output) ?? false { break }
                // The answers of targets take real time.
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }
}
