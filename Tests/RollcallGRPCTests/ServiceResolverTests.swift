// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if GRPC

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import Rollcall
@testable import RollcallGRPC
import RollcallTesting
import Synchronization
import Testing

@Suite("The resolver of services for gRPC", .timeLimit(.minutes(1)))
struct ServiceResolverTests {
    private typealias Address = GRPCNIOTransportHTTP2Posix.SocketAddress

    private let registry = LocalRegistry()
    private let services: ServiceClient

    init() {
        services = ServiceClient(registry)
    }

    private func register(
        _ id: InstanceID, _ host: String, _ port: UInt16 = 80, namedPorts: [String: UInt16] = [:]
    ) async throws {
        try await registry.register(
            Registration(
                service: "Names", id: id, host: host, port: port, namedPorts: namedPorts,
                lease: LeaseTerms(kind: .none)))
    }

    private func shutdown() async {
        await services.shutdown()
        await registry.shutdown()
    }

    @Test("gives each instance's address, with the policy to take turns")
    func addresses() async throws {
        try await register("a", "10.0.0.1", 80)
        try await register("b", "fd00::2", 81)
        let resolver = ServiceResolver(services).resolver(for: .service("Names"))
        #expect(resolver.updateMode == .push)
        #expect(resolver.authority == "names")
        var results = resolver.names.makeAsyncIterator()
        let result = try #require(try await results.next())
        #expect(
            result.endpoints.map(\.addresses) == [
                [.ipv4(host: "10.0.0.1", port: 80)], [.ipv6(host: "fd00::2", port: 81)],
            ])
        #expect(try result.serviceConfig?.get().loadBalancingConfig == [.roundRobin])
        await shutdown()
    }

    @Test("looks host names up")
    func hostNames() async throws {
        try await register("a", "localhost", 80)
        try await register("b", "10.0.0.2", 80)
        try await register("c", "no-such-host.invalid", 80)
        var results = ServiceResolver(services).resolver(for: .service("names")).names.makeAsyncIterator()
        let endpoints = try #require(try await results.next()).endpoints
        #expect(endpoints.count == 2)
        let local: Set<Address> = [.ipv4(host: "127.0.0.1", port: 80), .ipv6(host: "::1", port: 80)]
        #expect(endpoints.first.map { local.isSuperset(of: $0.addresses) && !$0.addresses.isEmpty } == true)
        #expect(endpoints.last?.addresses == [.ipv4(host: "10.0.0.2", port: 80)])
        await shutdown()
    }

    @Test("looks a host name up again while that fails, and once for each life of an instance")
    func hostNamesThatFail() async throws {
        let clock = ManualClock()
        let registry = LocalRegistry(time: .manual(clock))
        let services = ServiceClient(registry, time: .manual(clock))
        let instance = Registration(
            service: "names", id: "a", host: "a.example", port: 80, lease: LeaseTerms(kind: .none))
        try await registry.register(instance)
        let asked = Mutex(0)
        let resolution = ServiceResolution(
            client: services, target: ServiceTarget("names"), serviceConfig: .takingTurns(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _, port in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            if count < 4 { throw RPCError(code: .unavailable, message: "no such host") }
            return [.ipv4(host: "10.0.0.\(count)", port: port)]
        }
        var results = resolution.makeAsyncIterator()
        let first = try await results.next()
        #expect(first?.endpoints.map(\.addresses) == [[.unixDomainSocket(path: "/no-routable-instance-of/names")]])
        let waking = Task {
            while !Task.isCancelled {
                clock.advance(by: .seconds(1))
                await Task.yield()
            }
        }
        #expect(try await results.next()?.endpoints.map(\.addresses) == [[.ipv4(host: "10.0.0.4", port: 80)]])
        waking.cancel()
        try await registry.deregister(instance.key)
        try await registry.register(instance)
        #expect(try await results.next()?.endpoints.map(\.addresses) == [[.ipv4(host: "10.0.0.5", port: 80)]])
        await services.shutdown()
        await registry.shutdown()
    }

    @Test("goes by a named port, and leaves instances without it out")
    func namedPorts() async throws {
        try await register("a", "10.0.0.1", namedPorts: ["grpc": 9001])
        try await register("b", "10.0.0.2")
        let target = ServiceTarget("names", port: "grpc", authority: "names.example")
        let resolver = ServiceResolver(services).resolver(for: target)
        #expect(resolver.authority == "names.example")
        var results = resolver.names.makeAsyncIterator()
        #expect(try await results.next()?.endpoints.map(\.addresses) == [[.ipv4(host: "10.0.0.1", port: 9001)]])
        await shutdown()
    }

    @Test("tells a change of the addresses, and no other")
    func changes() async throws {
        try await register("a", "10.0.0.1")
        var results = ServiceResolver(services).resolver(for: .service("names")).names.makeAsyncIterator()
        #expect(try await results.next()?.endpoints.count == 1)
        // The instance changes, its address does not.
        var lists = try services.routable("names").makeAsyncIterator()
        _ = await lists.next()
        try await registry.register(
            Registration(
                service: "names", id: "a", host: "10.0.0.1", port: 80, metadata: ["color": "blue"],
                lease: LeaseTerms(kind: .none)))
        #expect(await lists.next()?.first?.metadata == ["color": "blue"])
        async let next = results.next()
        try await register("b", "10.0.0.2")
        #expect(try await next?.endpoints.count == 2)
        await shutdown()
    }

    @Test("gives an endpoint that cannot be reached while the registry is away and no list is known")
    func noList() async throws {
        let clock = ManualClock()
        let services = ServiceClient(SilentRegistry(), time: .manual(clock))
        var results = ServiceResolver(services).resolver(for: .service("names")).names.makeAsyncIterator()
        let ticking = Task {
            while !Task.isCancelled {
                clock.advance(by: .seconds(1))
                await Task.yield()
            }
        }
        let result = try await results.next()
        ticking.cancel()
        #expect(result?.endpoints.map(\.addresses) == [[.unixDomainSocket(path: "/no-routable-instance-of/names")]])
        await services.shutdown()
        await registry.shutdown()
    }

    @Test("ends with its task, and fails when the client was shut down")
    func end() async throws {
        try await register("a", "10.0.0.1")
        let names = ServiceResolver(services).resolver(for: .service("names")).names
        let reader = Task {
            for try await _ in names {}
        }
        reader.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        await services.shutdown()
        let error = await #expect(throws: CallError.self) {
            for try await _ in names {}
        }
        #expect(error?.reason == .closed)
        await registry.shutdown()
    }
}

/// A registry that cannot be reached.
private struct SilentRegistry: Discovery {
    func services() async throws(RegistryError) -> [ServiceSummary] { throw RegistryError(.unavailable, "away") }

    func lookup(_ service: ServiceName) async throws(RegistryError) -> ServiceSnapshot {
        throw RegistryError(.unavailable, "away")
    }

    func watch(_ scope: WatchScope, from revision: Revision?) -> Watch { Watch { Silence() } }

    private final class Silence: WatchSource {
        func next() async -> WatchEvent? {
            // Until it is cancelled.
            let (stream, sink) = AsyncStream.makeStream(of: WatchEvent.self)
            defer { sink.finish() }
            var events = stream.makeAsyncIterator()
            return await events.next()
        }
    }
}

#endif
