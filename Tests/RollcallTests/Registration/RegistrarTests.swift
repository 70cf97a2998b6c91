// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The registrar", .timeLimit(.minutes(1)))
struct RegistrarTests {
    let clock = ManualClock()
    let registry: LocalRegistry
    let key = InstanceKey("web", "web-1")

    init() {
        registry = LocalRegistry(time: .manual(clock))
    }

    private let registration = Registration(service: "web", id: "web-1", host: "10.0.0.1", port: 80)

    private func makeRegistrar(onEvent: @escaping @Sendable (Registrar.Event) -> Void = { _ in }) -> Registrar {
        var configuration = Registrar.Configuration()
        configuration.drainWait = .zero
        return Registrar(
            registry: registry, configuration: configuration, time: .manual(clock),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onEvent: onEvent
        ) { [registration] in [registration] }
    }

    /// A registrar that knows that its instance was accepted, and its further events.
    private func startedRegistrar() async throws -> (Registrar, AsyncStream<Registrar.Event>.AsyncIterator) {
        let (events, sink) = AsyncStream.makeStream(of: Registrar.Event.self)
        let registrar = makeRegistrar { sink.yield($0) }
        await registrar.start([registration])
        var iterator = events.makeAsyncIterator()
        guard case .registered(let instance) = await iterator.next() else { throw NotRegistered() }
        #expect(instance.key == key)
        return (registrar, iterator)
    }

    private struct NotRegistered: Error {}

    @Test("an instance is registered, drained and deregistered")
    func wholeLife() async throws {
        var mirror = WatchMirror(registry.watch(.service("web")))
        try await mirror.read { $0.events == 1 }

        let (registrar, _) = try await startedRegistrar()
        await registrar.drain()
        await registrar.deregister()

        try await mirror.read { !$0.changes.isEmpty && $0.instances.isEmpty }
        #expect(mirror.changes.map(\.kind) == [.registered, .stateChanged, .deregistered])
    }

    @Test("an instance that the registry forgot is registered again")
    func forgotten() async throws {
        let (registrar, _) = try await startedRegistrar()
        var mirror = WatchMirror(registry.watch(.service("web")))
        try await mirror.read { $0.instances[key] != nil }
        try await registry.deregister(key)
        try await mirror.read { $0.instances[key] == nil }

        clock.advance(by: .seconds(12))

        try await mirror.read { $0.instances[key] != nil }
        await registrar.deregister()
        #expect(registry.catalog.instance(key) == nil)
    }

    @Test("an address that changed is registered at once")
    func addressChange() async throws {
        let (registrar, _) = try await startedRegistrar()
        var mirror = WatchMirror(registry.watch(.service("web")))
        try await mirror.read { $0.instances[key] != nil }

        await registrar.update(Registration(service: "web", id: "web-1", host: "10.0.0.2", port: 80))

        try await mirror.read { $0.instances[key]?.host == "10.0.0.2" }
        #expect(Set(mirror.changes.map(\.kind)) == [.updated])
        await registrar.deregister()
    }

    @Test("a process that was replaced under its identity gives up and leaves the other alone")
    func superseded() async throws {
        var (registrar, events) = try await startedRegistrar()
        try await registry.register(Registration(service: "web", id: "web-1", host: "10.0.0.9", port: 80), life: .new)

        clock.advance(by: .seconds(12))

        guard case .superseded(key) = await events.next() else {
            Issue.record("the former life did not notice")
            return
        }
        await registrar.deregister()
        #expect(registry.catalog.instance(key)?.host == "10.0.0.9")
    }

    @Test("a cancelled run deregisters")
    func cancelled() async throws {
        let registrar = makeRegistrar()
        var mirror = WatchMirror(registry.watch(.service("web")))
        let run = Task { try await registrar.run() }
        try await mirror.read { $0.instances[key] != nil }
        run.cancel()
        try await run.value
        #expect(registry.catalog.instance(key) == nil)
    }
}
