// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("The instances that may be called, as a sequence", .timeLimit(.minutes(1)))
struct RoutableInstancesTests {
    private let clock = ManualClock()
    private let registry: LocalRegistry
    private let client: ServiceClient

    init() {
        registry = LocalRegistry(time: .manual(clock))
        client = ServiceClient(registry, time: .manual(clock))
    }

    private func register(_ id: InstanceID) async throws {
        try await registry.register(
            Registration(service: "web", id: id, host: "10.0.0.1", port: 80, lease: LeaseTerms(kind: .none)))
    }

    /// Reads until exactly `ids` may be called. The suite's time limit ends a wait that is in vain.
    private func expect(_ ids: [InstanceID], _ lists: inout RoutableInstances.Iterator) async {
        while let list = await lists.next() {
            if list.map(\.id) == ids { return }
        }
        Issue.record("the sequence ended before \(ids) were all that may be called")
    }

    @Test("are told at once and after each change")
    func changes() async throws {
        try await register("a")
        var lists = try client.routable("web").makeAsyncIterator()
        #expect(await lists.next()?.map(\.id) == ["a"])
        try await register("b")
        #expect(await lists.next()?.map(\.id) == ["a", "b"])
        try await registry.deregister(InstanceKey("web", "a"))
        #expect(await lists.next()?.map(\.id) == ["b"])
        try await registry.deregister(InstanceKey("web", "b"))
        #expect(await lists.next()?.isEmpty == true)
        await client.shutdown()
    }

    @Test("are without those that drain or are in maintenance")
    func takenOut() async throws {
        for id: InstanceID in ["a", "b", "c"] { try await register(id) }
        var lists = try client.routable("web").makeAsyncIterator()
        await expect(["a", "b", "c"], &lists)
        try await registry.update(
            InstanceKey("web", "a"), incarnation: nil, .desired(.draining(until: nil, reason: "")))
        await expect(["b", "c"], &lists)
        try await registry.update(
            InstanceKey("web", "b"), incarnation: nil, .desired(.maintenance(reason: "disk")))
        await expect(["c"], &lists)
        await client.shutdown()
    }

    @Test("are told to each who follows, the newest list to one that is late")
    func followers() async throws {
        try await register("a")
        var early = try client.routable("web").makeAsyncIterator()
        var late = try client.routable("web").makeAsyncIterator()
        await expect(["a"], &early)
        await expect(["a"], &late)
        try await register("b")
        await expect(["a", "b"], &early)
        try await register("c")
        await expect(["a", "b", "c"], &early)
        #expect(await late.next()?.map(\.id) == ["a", "b", "c"])
        await client.shutdown()
    }

    @Test("are told again at a deadline, and sooner after a change")
    func deadline() async throws {
        try await register("a")
        var lists = try client.routable("web").makeAsyncIterator()
        await expect(["a"], &lists)
        let deadline = client.time.now() + .seconds(5)
        try await register("b")
        #expect(await lists.next(until: deadline)?.map(\.id) == ["a", "b"])
        #expect(client.time.now() < deadline)
        let waking = Task {
            while !Task.isCancelled {
                clock.advance(by: .seconds(1))
                await Task.yield()
            }
        }
        #expect(await lists.next(until: deadline)?.map(\.id) == ["a", "b"])
        waking.cancel()
        #expect(client.time.now() >= deadline)
        await client.shutdown()
    }

    @Test("stay when the registry is away, and are told when it first answers")
    func registryAway() async throws {
        let time = WallTime(millisecondsSinceEpoch: 1_767_225_600_000)
        func list(_ revision: UInt64, _ ids: InstanceID...) -> ServiceSnapshot {
            ServiceSnapshot(
                service: "web", revision: Revision(revision),
                instances: ids.map { id in
                    ServiceInstance(
                        registration: Registration(service: "web", id: id, host: "10.0.0.1", port: 80),
                        incarnation: Incarnation(1), revision: Revision(revision), registeredAt: time, changedAt: time)
                })
        }
        func snapshot(_ list: ServiceSnapshot) -> WatchEvent {
            .snapshot(WatchSnapshot(revision: list.revision, cause: .initial, services: [list]))
        }
        let source = ScriptedDiscovery(list: list(1))
        source.fail(RegistryError(.unavailable, "away"))
        let client = ServiceClient(source, time: .manual(clock))
        var lists = try client.routable("web").makeAsyncIterator()
        while source.watches == 0 { await Task.yield() }
        source.say(snapshot(list(2, "a")))
        #expect(await lists.next()?.map(\.id) == ["a"])
        source.say(.engine(.stale(since: time)))
        source.say(.engine(.connected))
        source.say(snapshot(list(3, "b")))
        // The loss of the registry was no change of the list.
        #expect(await lists.next()?.map(\.id) == ["b"])
        await client.shutdown()
    }

    @Test("end with the client, and cannot be followed after it")
    func shutdown() async throws {
        try await register("a")
        let routable = try client.routable("web")
        var lists = routable.makeAsyncIterator()
        await expect(["a"], &lists)
        async let end = routable.reduce(into: 0) { count, _ in count += 1 }
        await client.shutdown()
        #expect(await lists.next() == nil)
        #expect(await end <= 1)
        let error = #expect(throws: CallError.self) { _ = try client.routable("web") }
        #expect(error?.reason == .closed)
    }

    @Test("end with the task that reads them")
    func cancellation() async throws {
        try await register("a")
        let routable = try client.routable("web")
        let reader = Task {
            var count = 0
            for await _ in routable { count += 1 }
            return count
        }
        reader.cancel()
        #expect(await reader.value <= 1)
        await client.shutdown()
    }
}
