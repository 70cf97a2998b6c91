// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import RollcallTesting
import ServiceLifecycle
import Synchronization
import Testing

@testable import Rollcall

/// How a registrar begins and ends among the services of a process.
@Suite("The registrar in a service group", .timeLimit(.minutes(3)))
struct RegistrarShutdownTests {
    let clock = ManualClock()
    let registry: LocalRegistry
    let key = InstanceKey("web", "web-1")
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let registration = Registration(service: "web", id: "web-1", host: "10.0.0.1", port: 80)
    /// The ends of all sleeps, since the clock was made.
    private let sleeps: AsyncStream<Duration>
    private let time: TimeSource

    init() {
        let (sleeps, announcement) = AsyncStream.makeStream(of: Duration.self)
        self.sleeps = sleeps
        time = TimeSource(AnnouncingClock(clock: clock) { announcement.yield($0) })
        registry = LocalRegistry(time: .manual(clock))
    }

    private func makeRegistrar(
        _ registry: (any Registry)? = nil, drainWait: Duration = .zero,
        registrations: (@Sendable () async throws -> [Registration])? = nil
    ) -> Registrar {
        var configuration = Registrar.Configuration()
        configuration.drainWait = drainWait
        return Registrar(
            registry: registry ?? self.registry, configuration: configuration, time: time, logger: logger,
            registrations: registrations ?? { [registration] in [registration] })
    }

    private func run(_ services: any Service...) -> (ServiceGroup, Task<Void, any Error>) {
        let group = ServiceGroup(services: services, logger: logger)
        return (group, Task { try await group.run() })
    }

    /// Returns when somebody sleeps until `end`.
    private func sleeper(until end: Duration) async {
        for await sleep in sleeps where sleep == end { return }
    }

    @Test("nothing is registered before the application is ready")
    func ready() async throws {
        var mirror = WatchMirror(registry.watch(.service("web")))
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let (readiness, ready) = AsyncStream.makeStream(of: Void.self)
        let (group, end) = run(
            makeRegistrar { [registration] in
                ask.finish()
                for await _ in readiness {}
                return [registration]
            })

        for await _ in asked {}
        #expect(registry.catalog.instance(key) == nil)
        ready.finish()

        try await mirror.read { $0.instances[key] != nil }
        await group.triggerGracefulShutdown()
        try await end.value
    }

    private struct NotReady: Error {}

    @Test("an application that is stopped before it is ready was never registered", arguments: [false, true])
    func neverReady(throwing: Bool) async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let registrations = Mutex(0)
        let counting = InterposedRegistry(registry) { call throws(RegistryError) in
            if case .register = call { registrations.withLock { $0 += 1 } }
        }
        let (group, end) = run(
            makeRegistrar(counting) { [registration] in
                ask.finish()
                // Ends when the task is cancelled, as many waits do, without an error.
                for await _ in AsyncStream<Void>.makeStream().stream {}
                if throwing { throw NotReady() }
                return [registration]
            })

        for await _ in asked {}
        await group.triggerGracefulShutdown()

        try await end.value
        #expect(registrations.withLock { $0 } == 0)
    }

    @Test("an application that cannot get ready ends the process with its own error")
    func cannotGetReady() async throws {
        let (_, end) = run(makeRegistrar { throw NotReady() })
        await #expect(throws: NotReady.self) { try await end.value }
    }

    @Test("at a shutdown the instance drains, stays registered for the drain wait, and only then goes")
    func drainWait() async throws {
        var mirror = WatchMirror(registry.watch(.service("web")))
        let (group, end) = run(makeRegistrar(drainWait: .seconds(7)))
        try await mirror.read { $0.instances[key] != nil }

        await group.triggerGracefulShutdown()
        try await mirror.read { $0.instances[key]?.status == .draining }
        await sleeper(until: .seconds(7))
        clock.advance(by: .seconds(7) - .nanoseconds(1))
        #expect(registry.catalog.instance(key)?.status == .draining)
        clock.advance(by: .nanoseconds(1))

        try await mirror.read { $0.instances[key] == nil }
        try await end.value
        #expect(mirror.changes.map(\.kind) == [.registered, .stateChanged, .deregistered])
    }

    @Test("a process that is cancelled while it waits for its callers deregisters at once")
    func cancelledWhileWaiting() async throws {
        var mirror = WatchMirror(registry.watch(.service("web")))
        let (group, end) = run(makeRegistrar(drainWait: .seconds(600)))
        try await mirror.read { $0.instances[key] != nil }
        await group.triggerGracefulShutdown()
        await sleeper(until: .seconds(600))

        end.cancel()

        try await mirror.read { $0.instances[key] == nil }
        _ = await end.result
    }

    private struct Failing: Service {
        struct Failed: Error {}
        let cause: AsyncStream<Void>
        func run() async throws {
            for await _ in cause {}
            throw Failed()
        }
    }

    @Test("when another service of the process fails, the instance is deregistered at once, without a drain")
    func leavingByAnError() async throws {
        var mirror = WatchMirror(registry.watch(.service("web")))
        let (cause, fail) = AsyncStream.makeStream(of: Void.self)
        let (_, end) = run(Failing(cause: cause), makeRegistrar(drainWait: .seconds(600)))
        try await mirror.read { $0.instances[key] != nil }

        fail.finish()

        await #expect(throws: Failing.Failed.self) { try await end.value }
        try await mirror.read { $0.instances[key] == nil }
        #expect(mirror.changes.map(\.kind) == [.registered, .deregistered])
    }

    @Test("a registry that does not answer holds the end of the process up for the farewell time-outs and no longer")
    func hangingFarewell() async throws {
        let (farewells, farewell) = AsyncStream.makeStream(of: InterposedRegistry.Call.self)
        let hanging = InterposedRegistry(registry) { call throws(RegistryError) in
            switch call {
            case .register, .heartbeat: return
            case .update, .deregister: farewell.yield(call)
            }
            // Ends when the call is cancelled.
            for await _ in AsyncStream<Void>.makeStream().stream {}
            throw RegistryError(.unavailable, "cut off")
        }
        var mirror = WatchMirror(registry.watch(.service("web")))
        let (group, end) = run(makeRegistrar(hanging))
        try await mirror.read { $0.instances[key] != nil }

        await group.triggerGracefulShutdown()
        var calls: [InterposedRegistry.Call] = []
        for await call in farewells {
            calls.append(call)
            clock.advance(by: .seconds(5))
            if calls.count == 2 { break }
        }

        try await end.value
        #expect(calls == [.update(key), .deregister(key)])
    }

    @Test("an instance that the registry forgets while it drains is not registered again")
    func forgottenWhileDraining() async throws {
        let registrations = Mutex(0)
        let (beats, beat) = AsyncStream.makeStream(of: Void.self)
        let counting = InterposedRegistry(registry) { call throws(RegistryError) in
            switch call {
            case .register: registrations.withLock { $0 += 1 }
            case .heartbeat: beat.yield()
            case .update, .deregister: break
            }
        }
        var mirror = WatchMirror(registry.watch(.service("web")))
        let (group, end) = run(makeRegistrar(counting, drainWait: .seconds(60)))
        try await mirror.read { $0.instances[key] != nil }
        await group.triggerGracefulShutdown()
        await sleeper(until: .seconds(60))
        try await registry.deregister(key)

        clock.advance(by: .seconds(12))
        for await _ in beats { break }
        clock.advance(by: .seconds(48))

        try await end.value
        #expect(registrations.withLock { $0 } == 1)
    }
}
