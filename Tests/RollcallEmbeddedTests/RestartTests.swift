// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded
import RollcallTesting
import Testing

@Suite("A restart of the embedded registry", .timeLimit(.minutes(1)))
struct RestartTests {
    private let full = Registration(
        service: "Web", id: "web-1", host: "2001:db8::1", port: 8443, isSecure: true, namedPorts: ["admin": 9000],
        healthCheck: "/health", tags: ["v2", "grün"], metadata: ["team": "shop", "quote": "\"\\\u{1}"], weight: 7,
        locality: Locality(region: "north", zone: "n1"), node: "host-3", version: "1.4.0", readiness: .starting,
        lease: LeaseTerms(ttl: .seconds(5), evictAfter: .milliseconds(17_500)),
        shadows: ["consul": Array(#"{"Kind":"connect-proxy"}"#.utf8)])

    @Test("after an orderly end brings back everything, and goes on with the next revision")
    func orderly() async throws {
        let first = try await EmbeddedFixture()
        try await first.registry.register(full)
        try await first.registry.register(web("permanent"))
        try await first.registry.update(full.key, incarnation: nil, .desired(.maintenance(reason: "disk")))
        let draining = DesiredState.draining(until: WallTime(millisecondsSinceEpoch: 1_767_225_660_000), reason: "new")
        try await first.registry.update(web("permanent").key, incarnation: nil, .desired(draining))
        try await first.registry.update(
            full.key, incarnation: nil, .check(id: "disk", status: .critical, output: "92 % full"))
        try await first.registry.register(web("gone"))
        try await first.registry.deregister(web("gone").key)
        let instances = first.instances
        let revision = first.registry.catalog.revision
        try await first.close()

        let second = try await EmbeddedFixture(in: first.folder)

        #expect(second.instances == instances)
        #expect(second.instances.count == 2)
        #expect(second.registry.catalog.revision == revision)
        let next = try await second.registry.register(web("next"))
        #expect(next.instance.revision == revision.next)
        #expect(next.incarnation.value == revision.next.value)
        try await second.close()
    }

    @Test("after a crash brings back everything, above all revisions that were given out")
    func crash() async throws {
        let first = try await EmbeddedFixture()
        try await first.registry.register(full)
        try await first.registry.register(web("b"))
        // Lapses are not stored, but their revisions were seen.
        first.clock.advance(by: .seconds(31))
        try await first.wait(for: full.key) { $0 == nil || $0?.leaseState == .lapsed }
        try await first.wait(for: web("b").key) { $0?.leaseState == .lapsed }
        try await first.registry.register(web("c"))
        let revision = first.registry.catalog.revision
        let copy = try first.folder.copy()

        let second = try await EmbeddedFixture(in: copy)

        let expected = Set(first.instances.map(\.id))
        #expect(Set(second.instances.map(\.id)) == expected)
        #expect(second.registry.catalog.revision >= revision)
        #expect(try await second.registry.register(web("d")).incarnation.value > revision.value)
        try await second.close()
        try await first.close()
    }

    @Test("gives every instance a full lease")
    func fullLease() async throws {
        let first = try await EmbeddedFixture()
        try await first.registry.register(web("a"))
        first.clock.advance(by: .seconds(31))
        try await first.wait(for: web("a").key) { $0?.status == .down }
        try await first.close()

        let second = try await EmbeddedFixture(in: first.folder)

        #expect(second.instance(web("a").key)?.status == .up)
        second.clock.advance(by: .seconds(29))
        // A write that comes after the clock was moved: had the lease lapsed, it would be known now.
        try await second.registry.register(web("b"))
        #expect(second.instance(web("a").key)?.status == .up)
        second.clock.advance(by: .seconds(2))
        try await second.wait(for: web("a").key) { $0?.status == .down }
        try await second.close()
    }

    @Test("does not bring back what was evicted")
    func evictions() async throws {
        let first = try await EmbeddedFixture()
        try await first.registry.register(web("silent"))
        first.clock.advance(by: .seconds(31))
        try await first.wait(for: web("silent").key) { $0?.status == .down }
        first.clock.advance(by: .seconds(60))
        try await first.wait(for: web("silent").key) { $0 == nil }
        let copy = try first.folder.copy()

        let second = try await EmbeddedFixture(in: copy)

        #expect(second.instances.isEmpty)
        try await second.close()
        try await first.close()
    }

    @Test("keeps former lives out")
    func fencing() async throws {
        let first = try await EmbeddedFixture()
        let old = try await first.registry.register(web("a"), life: .new).incarnation
        let new = try await first.registry.register(web("a"), life: .new).incarnation
        try await first.close()

        let second = try await EmbeddedFixture(in: first.folder)

        let key = web("a").key
        #expect(try await second.registry.heartbeat(key, incarnation: old) == .fenced(new))
        #expect(try await second.registry.heartbeat(key, incarnation: new) == .renewed)
        let failure = await registryFailure { try await second.registry.deregister(key, incarnation: old) }
        #expect(failure?.code == .fenced)
        try await second.registry.deregister(key)
        try await second.close()

        let third = try await EmbeddedFixture(in: first.folder)
        let later = try await third.registry.register(web("a")).incarnation
        #expect(later > new)
        try await third.close()
    }

    @Test("finds names that differ in case only as one instance")
    func caseOfNames() async throws {
        let first = try await EmbeddedFixture()
        try await first.registry.register(Registration(service: "Web", id: "a", host: "10.0.0.1", port: 1))
        try await first.registry.register(Registration(service: "wEB", id: "a", host: "10.0.0.1", port: 2))
        try await first.close()

        let second = try await EmbeddedFixture(in: first.folder)
        #expect(second.instances.map(\.port) == [2])
        try await second.registry.deregister(InstanceKey("WEB", "a"))
        try await second.close()

        let third = try await EmbeddedFixture(in: first.folder)
        #expect(third.instances.isEmpty)
        try await third.close()
    }

    @Test("reads more instances than are read at once")
    func manyInstances() async throws {
        let first = try await EmbeddedFixture()
        let registry = first.registry
        await withDiscardingTaskGroup { group in
            for number in 0..<5000 {
                group.addTask { _ = try? await registry.register(web("web-\(number)")) }
            }
        }
        let instances = first.instances
        #expect(instances.count == 5000)
        try await first.close()

        let second = try await EmbeddedFixture(in: first.folder)
        #expect(second.instances == instances)
        try await second.close()
    }
}
