// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if GRPC

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Rollcall
import RollcallGRPC
import Synchronization
import Testing

@Suite("gRPC calls to a service by its name", .timeLimit(.minutes(1)))
struct ServiceCallTests {
    private typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    private let registry = LocalRegistry()
    private let services: ServiceClient

    init() {
        services = ServiceClient(registry)
    }

    private func register(_ server: NameServer) async throws {
        try await registry.register(
            Registration(
                service: "names", id: InstanceID(server.name), host: "127.0.0.1", port: server.port,
                lease: LeaseTerms(kind: .none)))
    }

    private func withClient(
        idempotent: [MethodConfig.Name] = [], _ body: (Client) async throws -> Void
    ) async throws {
        let transport = try HTTP2ClientTransport.Posix(
            service: ServiceTarget("names"), of: services, transportSecurity: .plaintext,
            serviceConfig: .takingTurns(idempotent: idempotent))
        try await withGRPCClient(transport: transport, handleClient: body)
    }

    /// Calls until each of `names` has answered, and for ever when one never does: the suite's time limit is the end.
    private func callAll(_ names: Set<String>, _ client: Client) async throws {
        var answered: Set<String> = []
        while !names.isSubset(of: answered) { answered.insert(try await client.name()) }
    }

    /// Calls until the last calls were answered by `names` alone.
    private func callOnly(_ names: Set<String>, _ client: Client) async throws {
        var others = 0
        while others < 20 { others = names.contains(try await client.name()) ? others + 1 : 0 }
    }

    private func shutdown(_ servers: NameServer...) async throws {
        for server in servers { try await server.stop() }
        await services.shutdown()
        await registry.shutdown()
    }

    @Test("take turns among the instances")
    func turns() async throws {
        let (a, b) = (try await NameServer.start("a"), try await NameServer.start("b"))
        try await register(a)
        try await register(b)
        try await withClient { client in
            try await callAll(["a", "b"], client)
            var counts: [String: Int] = [:]
            for _ in 0 ..< 40 { counts[try await client.name(), default: 0] += 1 }
            #expect(counts == ["a": 20, "b": 20])
        }
        try await shutdown(a, b)
    }

    @Test("reach an instance that comes, and none that may be repeated is lost when one drains and goes")
    func membership() async throws {
        let (a, b) = (try await NameServer.start("a"), try await NameServer.start("b"))
        try await register(a)
        try await withClient(idempotent: [MethodConfig.Name(service: "rollcall.test.Names")]) { client in
            let load = CallLoad()
            async let calls = load.run(client)
            try await callOnly(["a"], client)
            try await register(b)
            try await callAll(["a", "b"], client)
            try await registry.update(
                InstanceKey("names", "a"), incarnation: nil, .desired(.draining(until: nil, reason: "")))
            try await callOnly(["b"], client)
            try await registry.deregister(InstanceKey("names", "a"))
            try await a.stop()
            for _ in 0 ..< 40 { #expect(try await client.name() == "b") }
            load.stop()
            #expect(try await calls > 0)
        }
        try await shutdown(b)
    }

    @Test("do not go to an instance any more that has left the list")
    func departed() async throws {
        let (a, b) = (try await NameServer.start("a"), try await NameServer.start("b"))
        try await register(a)
        try await register(b)
        try await withClient { client in
            try await callAll(["a", "b"], client)
            try await registry.deregister(InstanceKey("names", "a"))
            // Without a call meanwhile: one that meets the end of the connection would fail, as it may not be repeated.
            await a.connectionEnd()
            try await a.stop()
            for _ in 0 ..< 40 { #expect(try await client.name() == "b") }
        }
        try await shutdown(b)
    }

    @Test("go on when the registry is gone, and begin then from the list that is known")
    func registryGone() async throws {
        let (a, b) = (try await NameServer.start("a"), try await NameServer.start("b"))
        try await register(a)
        try await register(b)
        try await withClient { client in
            try await callAll(["a", "b"], client)
            await registry.shutdown()
            try await callAll(["a", "b"], client)
            try await withClient { second in try await callAll(["a", "b"], second) }
        }
        try await shutdown(a, b)
    }

    @Test("stay with the last instances when the registry knows none any more")
    func lastOnes() async throws {
        let a = try await NameServer.start("a")
        try await register(a)
        try await withClient { client in
            try await callOnly(["a"], client)
            try await registry.deregister(InstanceKey("names", "a"))
            var lists = try services.routable("names").makeAsyncIterator()
            while let list = await lists.next(), !list.isEmpty {}
            for _ in 0 ..< 20 { #expect(try await client.name() == "a") }
        }
        try await shutdown(a)
    }

    @Test("fail at once while there is no instance, and reach the first one that comes")
    func nobody() async throws {
        let a = try await NameServer.start("a")
        try await withClient { client in
            let error = await #expect(throws: RPCError.self) { _ = try await client.name() }
            #expect(error?.code == .unavailable)
            #expect(error.map { "\($0)".contains("/no-routable-instance-of/names") } == true, "\(error as Any)")
            async let patient = client.name(waitForReady: true)
            try await register(a)
            #expect(try await patient == "a")
            try await callOnly(["a"], client)
        }
        try await shutdown(a)
    }
}

/// Calls from four tasks, without a pause.
private final class CallLoad: Sendable {
    private let isOver = Atomic(false)

    func stop() { isOver.store(true, ordering: .relaxed) }

    /// - Returns: How many calls were answered.
    func run(_ client: GRPCClient<HTTP2ClientTransport.Posix>) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0 ..< 4 {
                group.addTask {
                    var calls = 0
                    while !self.isOver.load(ordering: .relaxed) {
                        _ = try await client.name()
                        calls += 1
                    }
                    return calls
                }
            }
            return try await group.reduce(0, +)
        }
    }
}

#endif
