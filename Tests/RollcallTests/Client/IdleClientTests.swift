// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("A client that a service is no longer asked of", .timeLimit(.minutes(1)))
struct IdleClientTests {
    private let clock = ManualClock()
    private let source: ScriptedDiscovery

    init() {
        source = ScriptedDiscovery(list: Self.list("web", "a"))
    }

    private static func list(_ service: ServiceName, _ ids: InstanceID...) -> ServiceSnapshot {
        let time = WallTime(millisecondsSinceEpoch: 1_767_225_600_000)
        return ServiceSnapshot(
            service: service, revision: Revision(1),
            instances: ids.map { id in
                ServiceInstance(
                    registration: Registration(service: service, id: id, host: "10.0.0.1", port: 80),
                    incarnation: Incarnation(1), revision: Revision(1), registeredAt: time, changedAt: time)
            })
    }

    private func client(_ change: (inout ServiceClientConfiguration) -> Void = { _ in }) -> ServiceClient {
        var configuration = ServiceClientConfiguration()
        change(&configuration)
        return ServiceClient(source, configuration: configuration, time: .manual(clock))
    }

    private func followed(_ client: ServiceClient) -> [ServiceName] { client.services.map(\.snapshot.service) }

    /// Lets time pass until exactly `services` are followed. The suite's time limit ends a wait that is in vain.
    private func wait(for services: [ServiceName], _ client: ServiceClient, _ step: () async throws -> Void = {})
        async throws
    {
        while followed(client) != services {
            try Task.checkCancellation()
            clock.advance(by: .seconds(20))
            try await step()
            await Task.yield()
        }
    }

    @Test("follows it no more, and anew when it is asked again")
    func again() async throws {
        let client = client()
        for round in 1 ... 3 {
            let start = clock.now
            #expect(try await client.lookup("web").snapshot.count == 1)
            #expect(source.watches == round)
            try await wait(for: [], client)
            #expect(start.duration(to: clock.now) >= .seconds(600))
            while source.openWatches > 0 {
                try Task.checkCancellation()
                await Task.yield()
            }
        }
        #expect(try await client.withInstance(of: "web") { $0.instance.id } == "a")
        await client.shutdown()
    }

    @Test("goes on following those that are looked up or called")
    func used() async throws {
        let client = client()
        for service: ServiceName in ["web", "called", "unused"] { _ = try await client.lookup(service) }
        try await wait(for: ["called", "web"], client) {
            _ = try await client.lookup("web")
            _ = try? await client.withInstance(of: "called") { $0.url }
        }
        #expect(source.watches == 3)
        await client.shutdown()
    }

    @Test("waits for calls under way")
    func underWay() async throws {
        let client = client { $0.retry = RetryPolicy(attemptTimeout: nil, totalTimeout: nil) }
        let (end, ending) = AsyncStream<Void>.makeStream()
        let (begin, beginning) = AsyncStream<Void>.makeStream()
        let call = Task {
            try await client.withInstance(of: "web") { _ in
                beginning.finish()
                for await _ in end {}
            }
        }
        for await _ in begin {}
        _ = try await client.lookup("unused")
        try await wait(for: ["web"], client)
        ending.finish()
        try await call.value
        try await wait(for: [], client)
        await client.shutdown()
    }

    @Test("waits for those who have its instances that may be called")
    func routable() async throws {
        let client = client()
        var routable: RoutableInstances? = try client.routable("web")
        _ = try await client.lookup("web")
        _ = try await client.lookup("unused")
        try await wait(for: ["web"], client)
        var lists = routable?.makeAsyncIterator()
        #expect(await lists?.next()?.map(\.id) == ["a"])
        routable = nil
        _ = try await client.lookup("unused")
        try await wait(for: ["web"], client)
        source.say(
            .snapshot(
                WatchSnapshot(revision: Revision(2), cause: .coalesced, services: [Self.list("web", "a", "b")])))
        #expect(await lists?.next()?.map(\.id) == ["a", "b"])
        lists = nil
        try await wait(for: [], client)
        await client.shutdown()
    }

    @Test("keeps its list while the registry is away")
    func away() async throws {
        let client = client()
        _ = try await client.lookup("web")
        source.say(.engine(.stale(since: WallTime(millisecondsSinceEpoch: 0))))
        while client.services.first?.age == .zero {
            try Task.checkCancellation()
            clock.advance(by: .seconds(1))
            await Task.yield()
        }
        // A list that is empty is no loss.
        for _ in 0 ..< 2 {
            _ = try await client.lookup("unused")
            try await wait(for: ["web"], client)
        }
        source.say(.engine(.connected))
        try await wait(for: [], client)
        await client.shutdown()
    }

    @Test("keeps what was known in the file")
    func savedList() async throws {
        let path = "/tmp/rollcall-idle-\(UInt64.random(in: 0 ... .max)).json"
        defer { unlink(path) }
        let first = client { $0.snapshotFile = path }
        _ = try await first.lookup("web")
        try await wait(for: [], first)
        // What changes now is written without the service being followed.
        _ = try await first.lookup("other")
        await first.shutdown()

        source.fail(RegistryError(.unavailable, "away"))
        let second = client { $0.snapshotFile = path }
        let known = try await second.lookup("web")
        #expect(known.origin == .file)
        #expect(known.snapshot.instances.map(\.id) == ["a"])
        await second.shutdown()
    }

    @Test("follows it for ever when there is no limit")
    func noLimit() async throws {
        let client = client { $0.idleLimit = nil }
        let limited = self.client()
        _ = try await client.lookup("web")
        for _ in 0 ..< 3 {
            _ = try await limited.lookup("web")
            try await wait(for: [], limited)
        }
        #expect(followed(client) == ["web"])
        await client.shutdown()
        await limited.shutdown()
    }
}
