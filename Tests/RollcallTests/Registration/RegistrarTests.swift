// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import RollcallTesting
import Synchronization
import Testing

@testable import Rollcall

@Suite("The registrar", .timeLimit(.minutes(3)))
struct RegistrarTests {
    let clock = ManualClock()
    let registry: LocalRegistry
    let key = InstanceKey("web", "web-1")

    init() {
        registry = LocalRegistry(time: .manual(clock))
    }

    private let registration = Registration(service: "web", id: "web-1", host: "10.0.0.1", port: 80)

    private func makeRegistrar(
        _ registry: (any Registry)? = nil, onEvent: @escaping @Sendable (Registrar.Event) -> Void = { _ in }
    ) -> Registrar {
        var configuration = Registrar.Configuration()
        configuration.drainWait = .zero
        return Registrar(
            registry: registry ?? self.registry, configuration: configuration, time: .manual(clock),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onEvent: onEvent
        ) { [registration] in [registration] }
    }

    /// A registrar that knows that its instance was accepted, and its further events.
    private func startedRegistrar(
        _ registry: (any Registry)? = nil
    ) async throws -> (Registrar, AsyncStream<Registrar.Event>.AsyncIterator) {
        let (events, sink) = AsyncStream.makeStream(of: Registrar.Event.self)
        let registrar = makeRegistrar(registry) { sink.yield($0) }
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

    @Test("a registry that is away is asked again until it is there")
    func away() async throws {
        let attempts = Mutex(0)
        let registry = InterposedRegistry(registry) { call throws(RegistryError) in
            guard case .register = call else { return }
            let attempt = attempts.withLock { attempts in
                attempts += 1
                return attempts
            }
            if attempt < 4 { throw RegistryError(.unavailable, "nobody listens") }
        }
        let (events, sink) = AsyncStream.makeStream(of: Registrar.Event.self)
        let registrar = makeRegistrar(registry) { sink.yield($0) }
        await registrar.start([registration])

        var failures = 0
        for await event in events {
            if case .registered = event { break }
            guard case .failed(key, _) = event else {
                Issue.record("\(event)")
                break
            }
            failures += 1
            clock.advance(by: .seconds(60))
        }

        #expect(failures == 3)
        #expect(await registrar.isRegistered)
        await registrar.deregister()
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

    @Test("a registration that hangs does not hold up the heartbeats of other instances")
    func hangingRegistration() async throws {
        let (beats, beat) = AsyncStream.makeStream(of: [InstanceKey].self)
        let (hangs, hang) = AsyncStream.makeStream(of: Void.self)
        let registry = InterposedRegistry(registry) { call throws(RegistryError) in
            switch call {
            case .heartbeat(let keys): beat.yield(keys)
            case .register(InstanceKey("web", "web-2"), _):
                hang.yield()
                // Ends when the call is cancelled.
                for await _ in AsyncStream<Void>.makeStream().stream {}
                throw RegistryError(.unavailable, "cut off")
            case .register, .update, .deregister: break
            }
        }
        let (registrar, _) = try await startedRegistrar(registry)
        await registrar.start([Registration(service: "web", id: "web-2", host: "10.0.0.2", port: 80)])
        for await _ in hangs { break }

        clock.advance(by: .seconds(12))

        for await keys in beats {
            #expect(keys == [key])
            break
        }
        let end = Task { await registrar.deregister() }
        // The registration that hangs is cut off after the farewell time-out, whenever that begins.
        let isOver = Mutex(false)
        let pump = Task {
            while !isOver.withLock({ $0 }) {
                clock.advance(by: .seconds(1))
                await Task.yield()
            }
        }
        await end.value
        isOver.withLock { $0 = true }
        await pump.value
        #expect(self.registry.catalog.instance(key) == nil)
    }

    @Test("changed attributes do not take an identity over that another process has registered since")
    func updateOfAFormerLife() async throws {
        var (registrar, events) = try await startedRegistrar()
        try await registry.register(Registration(service: "web", id: "web-1", host: "10.0.0.9", port: 80), life: .new)

        await registrar.update(Registration(service: "web", id: "web-1", host: "10.0.0.2", port: 80))

        guard case .superseded(key) = await events.next() else {
            Issue.record("the former life did not notice")
            return
        }
        #expect(registry.catalog.instance(key)?.host == "10.0.0.9")
    }

    @Test("a change that the registry refuses does not cost the lease of what is registered")
    func refusedChange() async throws {
        let (beats, beat) = AsyncStream.makeStream(of: [InstanceKey].self)
        let registry = InterposedRegistry(registry) { call throws(RegistryError) in
            if case .heartbeat(let keys) = call { beat.yield(keys) }
        }
        var (registrar, events) = try await startedRegistrar(registry)
        await registrar.update(Registration(service: "web", id: "web-1", host: "", port: 80))
        guard case .refused(key, let error) = await events.next() else {
            Issue.record("nobody was told of the refusal")
            return
        }
        #expect(error.code == .invalid)

        clock.advance(by: .seconds(12))

        for await keys in beats {
            #expect(keys == [key])
            break
        }
        #expect(self.registry.catalog.instance(key)?.host == "10.0.0.1")
        await registrar.deregister()
    }
}
