// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Logging
import NIOCore
import Rollcall
import RollcallConsul
import RollcallServer
import RollcallTesting
import ServiceLifecycle
import Testing

/// The engine asks a Rollcall server as it asks Consul.
@Suite("The engine for Consul, against Rollcall's own dialect", .timeLimit(.minutes(3)))
struct DialectContractTests {
    @Test("keeps the contract as far as Consul can", arguments: ConsulGaps.cases)
    func contract(_ contract: RegistryContract) async throws {
        try await contract.check { try await DialectFixture() }
    }

    @Test("what is registered through Consul is what the native API shows, and the other way")
    func both() async throws {
        let fixture = try await DialectFixture()
        let registration = Registration(
            service: "web", id: "1", host: "10.0.0.1", port: 80, tags: ["a"], metadata: ["k": "v"])
        try await fixture.registry.register(registration)
        let native = try #require(fixture.local.catalog.snapshot(of: "web").instances.first)
        #expect(native.id == "web:1")
        #expect(native.host == "10.0.0.1")
        #expect(native.status == .up)

        let other = Registration(service: "web", id: "2", host: "10.0.0.2", port: 80, weight: 7)
        try await fixture.local.register(other)
        let seen = try #require(try await fixture.registry.lookup("web").instances.first { $0.host == "10.0.0.2" })
        #expect(seen.weight == 7)
        #expect(seen.status == .up)
        try await fixture.close()
    }
}

/// A Consul that is running, with services of its own: the cases of the contract that need power over time, or an empty
/// registry, are left out.
@Suite(
    "The engine for Consul, against a Consul", .timeLimit(.minutes(5)), .serialized,
    .enabled(if: ProcessInfo.processInfo.environment["CONSUL_HTTP_ADDR"] != nil))
struct RealConsulTests {
    @Test("registers, beats, drains, watches and deregisters")
    func life() async throws {
        let text = ProcessInfo.processInfo.environment["CONSUL_HTTP_ADDR"] ?? ""
        let parts = text.replacingOccurrences(of: "http://", with: "").split(separator: ":")
        let address = ServerAddress(
            host: parts.first.map(String.init) ?? "127.0.0.1", port: parts.last.flatMap { Int($0) } ?? 8500)
        let registry = ConsulRegistry(addresses: [address], logger: .quiet)
        let service = ServiceName("rollcall-test-\(UInt32.random(in: 0 ... .max))")
        let registration = Registration(
            service: service, id: "1", host: "10.0.0.1", port: 80, namedPorts: ["admin": 81], tags: ["a"],
            metadata: ["k": "v"], weight: 3, version: "1.0")
        var mirror = WatchMirror(registry.watch(.service(service)))
        try await mirror.read { $0.events == 1 }

        let receipt = try await registry.register(registration)
        let key = registration.key
        #expect(receipt.instance.registration == registration)
        try await mirror.read { $0.instances[key]?.status == .up }
        #expect(try await registry.heartbeat(key, incarnation: receipt.incarnation) == .renewed)
        let drained = try await registry.update(key, incarnation: nil, .desired(.draining(until: nil, reason: "x")))
        #expect(drained.desired == .draining(until: nil, reason: "x"))
        let next = try await registry.register(registration, life: .new)
        #expect(next.incarnation > receipt.incarnation)
        #expect(next.instance.status == .up)
        #expect(try await registry.heartbeat(key, incarnation: receipt.incarnation) == .fenced(next.incarnation))
        let warned = try await registry.update(
            key, incarnation: nil, .check(id: "disk", status: .warning, output: "90 %"))
        #expect(warned.status == .warning)
        try await registry.deregister(key, incarnation: next.incarnation)
        try await mirror.read { $0.instances.isEmpty }
        await registry.shutdown()
    }
}

/// The engine against a server over a registry in memory whose time a test moves.
struct DialectFixture: RegistryFixture {
    let registry: ConsulRegistry
    let local: LocalRegistry
    private let clock: ManualClock
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    init() async throws {
        let clock = ManualClock()
        let time = TimeSource.manual(clock)
        let local = LocalRegistry(time: time)
        var configuration = ServerConfiguration()
        configuration.http.port = 0
        configuration.http.eventLoopCount = 1
        configuration.http.limits.drainTime = .seconds(2)
        let (ports, sink) = AsyncStream.makeStream(of: Int.self)
        let server = RollcallServer(registry: local, configuration: configuration, time: time, logger: .quiet) {
            sink.yield($0.port ?? 0)
        }
        let group = ServiceGroup(services: [server], logger: .quiet)
        running = Task {
            defer { sink.finish() }
            try await group.run()
        }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        self.clock = clock
        self.local = local
        self.group = group
        registry = ConsulRegistry(
            addresses: [ServerAddress(host: "127.0.0.1", port: port)], configuration: .eager, logger: .quiet)
    }

    var gaps: Set<RegistryGap> { [.resume] }

    /// A second more than is asked for: Consul removes what is silent a little late, never on the very moment.
    func advance(by duration: Duration) async throws { clock.advance(by: duration + .seconds(1)) }

    func close() async throws {
        await registry.shutdown()
        await group.triggerGracefulShutdown()
        try await running.value
        await local.shutdown()
    }
}
