// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("The lists that a client keeps", .timeLimit(.minutes(1)))
struct ServiceCacheTests {
    private let clock = ManualClock()

    private func list(_ revision: UInt64, _ ids: InstanceID...) -> ServiceSnapshot {
        let time = WallTime(millisecondsSinceEpoch: 1_767_225_600_000)
        return ServiceSnapshot(
            service: "web", revision: Revision(revision),
            instances: ids.map { id in
                ServiceInstance(
                    registration: Registration(service: "web", id: id, host: "10.0.0.1", port: 80),
                    incarnation: Incarnation(1), revision: Revision(revision), registeredAt: time, changedAt: time)
            })
    }

    private func ids(_ client: ServiceClient) async throws -> [InstanceID] {
        try await client.lookup("web").snapshot.instances.map(\.id)
    }

    @Test("are asked for again when their time is over, and stay when the registry does not answer")
    func timeToLive() async throws {
        let source = ScriptedDiscovery(list: list(1, "a"))
        var configuration = ServiceClientConfiguration()
        configuration.cache = .timeToLive(.seconds(30))
        let client = ServiceClient(source, configuration: configuration, time: .manual(clock))
        #expect(try await ids(client) == ["a"])
        source.answer(list(2, "a", "b"))
        clock.advance(by: .seconds(29))
        #expect(try await ids(client) == ["a"])
        #expect(try await client.lookup("web").age == .seconds(29))
        while try await ids(client) != ["a", "b"] {
            clock.advance(by: .seconds(1))
            await Task.yield()
        }
        source.fail(RegistryError(.unavailable, "away"))
        let asked = source.lookups
        while source.lookups < asked + 3 {
            clock.advance(by: .seconds(10))
            await Task.yield()
        }
        #expect(try await ids(client) == ["a", "b"])
        #expect(try #require(await client.lookup("web").age) > .seconds(30))
        await client.shutdown()
    }

    @Test("are not replaced by an older answer while a watch stands")
    func olderAnswer() async throws {
        let source = ScriptedDiscovery(list: list(5, "a"))
        let client = ServiceClient(source, time: .manual(clock))
        #expect(try await ids(client) == ["a"])
        source.answer(list(4, "old"))
        try await client.refresh("web")
        #expect(try await ids(client) == ["a"])
        source.answer(list(6, "new"))
        try await client.refresh("web")
        #expect(try await ids(client) == ["new"])
        #expect(try await client.lookup("web").age == .zero)
        await client.shutdown()
    }

    @Test("grow old when the registry of this process was shut down")
    func registryShutDown() async throws {
        let registry = LocalRegistry(time: .manual(clock))
        try await registry.register(Registration(service: "web", id: "a", host: "10.0.0.1", port: 80))
        let client = ServiceClient(registry, time: .manual(clock))
        #expect(try await client.lookup("web").age == .zero)
        await registry.shutdown()
        while try await client.lookup("web").age == .zero {
            clock.advance(by: .seconds(1))
            await Task.yield()
        }
        #expect(try await ids(client) == ["a"])
        await client.shutdown()
    }

    @Test("are asked for at once when that is wished")
    func refresh() async throws {
        let source = ScriptedDiscovery(list: list(1, "a"))
        var configuration = ServiceClientConfiguration()
        configuration.cache = .timeToLive(.seconds(3000))
        let client = ServiceClient(source, configuration: configuration, time: .manual(clock))
        #expect(try await ids(client) == ["a"])
        source.answer(list(2, "b"))
        try await client.refresh("web")
        #expect(try await ids(client) == ["b"])
        await client.shutdown()
    }

    @Test("come from the file of an earlier run when the registry is away at the start")
    func savedLists() async throws {
        let path = "/tmp/rollcall-lists-\(UInt64.random(in: 0 ... .max)).json"
        defer { unlink(path) }
        var configuration = ServiceClientConfiguration()
        configuration.snapshotFile = path
        let source = ScriptedDiscovery(list: list(7, "a", "b"))
        let first = ServiceClient(source, configuration: configuration, time: .manual(clock))
        #expect(try await ids(first) == ["a", "b"])
        await first.shutdown()

        let away = ScriptedDiscovery(list: list(1))
        away.fail(RegistryError(.unavailable, "away"))
        let second = ServiceClient(away, configuration: configuration, time: .manual(clock))
        let known = try await second.lookup("web")
        #expect(known.snapshot.instances.map(\.id) == ["a", "b"])
        #expect(known.origin == .file)
        #expect(known.age == nil)
        #expect(try await second.withInstance(of: "web") { $0.instance.id.value.isEmpty } == false)
        while away.watches == 0 { await Task.yield() }
        // The registry's word replaces what was saved.
        away.say(.snapshot(WatchSnapshot(revision: Revision(9), cause: .initial, services: [list(9, "c")])))
        while try await ids(second) != ["c"] { await Task.yield() }
        #expect(try await second.lookup("web").origin == .registry)
        await second.shutdown()
    }

    @Test("are not there when the registry cannot be asked the first time, which is said after a wait")
    func noList() async throws {
        let away = ScriptedDiscovery(list: list(1))
        away.fail(RegistryError(.unavailable, "away"))
        let client = ServiceClient(away, time: .manual(clock))
        let ticking = Task { [clock] in
            while !Task.isCancelled {
                clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
        }
        let error = await #expect(throws: CallError.self) { try await client.lookup("web") }
        ticking.cancel()
        #expect(error?.reason == .noList)
        await client.shutdown()
    }
}
