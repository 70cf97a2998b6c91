// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The catalog", .timeLimit(.minutes(1)))
struct CatalogTests {
    @Test("a history reads what happened to one service however much happened to others")
    func oneServiceAmongMany() {
        let feed = Feed()
        let catalog = Catalog(configuration: feed.small)
        feed.publish(catalog, "quiet", "a")
        var cursor = Catalog.Cursor(revision: catalog.revision)
        for number in 0 ..< 100 { feed.publish(catalog, "busy", InstanceID("\(number)")) }

        #expect(catalog.next(in: .service("quiet"), after: &cursor) == nil)
        feed.publish(catalog, "quiet", "b")
        guard case .changes(let batch)? = catalog.next(in: .service("quiet"), after: &cursor) else {
            Issue.record("the change of the quiet service was not told as one")
            return
        }
        #expect(batch.changes.map(\.key.id) == ["b"])
    }

    @Test("a revision that is no longer kept is answered by a snapshot that says so")
    func gap() {
        let feed = Feed()
        let catalog = Catalog(configuration: feed.small)
        feed.publish(catalog, "web", "a")
        var cursor = Catalog.Cursor(revision: catalog.revision)
        for number in 0 ..< 100 { feed.publish(catalog, "web", InstanceID("\(number)")) }
        guard case .snapshot(let snapshot)? = catalog.next(in: .service("web"), after: &cursor) else {
            Issue.record("no snapshot")
            return
        }
        #expect(snapshot.cause == .gap)
        #expect(snapshot.services.first?.count == 101)
    }

    @Test("nothing is known of revisions before the start, so a service that vanished meanwhile is not overlooked")
    func restart() {
        let feed = Feed()
        let catalog = Catalog(revision: Revision(1000))
        catalog.load([feed.instance("web", "left", revision: 3)], revision: Revision(1000))
        var cursor = Catalog.Cursor(revision: Revision(900))
        guard case .snapshot(let snapshot)? = catalog.next(in: .service("gone"), after: &cursor) else {
            Issue.record("no snapshot")
            return
        }
        #expect(snapshot.cause == .gap)
        #expect(snapshot.services.first?.isEmpty == true)
    }

    @Test("a service that was removed is forgotten when its removal is")
    func tombstones() {
        let feed = Feed()
        let catalog = Catalog(configuration: feed.small)
        feed.publish(catalog, "web", "a")
        feed.publish(catalog, "web", "a", .deregistered)
        #expect(catalog.counts.services == 0)
        var cursor = Catalog.Cursor(revision: Revision(1))
        guard case .changes(let batch)? = catalog.next(in: .service("web"), after: &cursor) else {
            Issue.record("the removal was not told as a change")
            return
        }
        #expect(batch.changes.map(\.kind) == [.deregistered])
        for number in 0 ..< 100 { feed.publish(catalog, "busy", InstanceID("\(number)")) }
        #expect(catalog.snapshot(of: "web").isEmpty)
        #expect(catalog.snapshot(of: "web").revision >= Revision(2))
    }

    @Test("losing the engine is told after the first snapshot, and never as an empty list")
    func engineState() {
        let feed = Feed()
        let catalog = Catalog()
        feed.publish(catalog, "web", "a")
        let lost = EngineState.stale(since: WallTime(millisecondsSinceEpoch: 5))
        var early = Catalog.Cursor()
        #expect(catalog.next(in: .all, after: &early) != nil)
        catalog.setEngine(lost)
        guard case .engine(lost)? = catalog.next(in: .all, after: &early) else {
            Issue.record("the loss was not told to a follower")
            return
        }
        var late = Catalog.Cursor()
        guard case .snapshot(let snapshot)? = catalog.next(in: .all, after: &late),
            case .engine(lost)? = catalog.next(in: .all, after: &late)
        else {
            Issue.record("a later follower was not told both")
            return
        }
        #expect(snapshot.services.first?.count == 1)
        #expect(catalog.next(in: .all, after: &late) == nil)
        catalog.setEngine(.connected)
        guard case .engine(.connected)? = catalog.next(in: .all, after: &late) else {
            Issue.record("the return was not told")
            return
        }
    }

    @Test(
        "followers that read at random moments always arrive at the present state",
        arguments: 0 ..< 300 as Range<UInt64>)
    func followers(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let feed = Feed()
        let catalog = Catalog(configuration: feed.small)
        let scopes: [WatchScope] = [.all, .service("s0"), .service("s3"), .services(["s1", "s2"])]
        var followers = scopes.map { Follower(scope: $0) }
        for _ in 0 ..< 120 {
            let count = Int.random(in: 1 ... 4, using: &random)
            let changes = (0 ..< count).map { _ -> InstanceChange in
                let service = ServiceName("s\(Int.random(in: 0 ..< 4, using: &random))")
                let id = InstanceID("\(Int.random(in: 0 ..< 5, using: &random))")
                return feed.change(service, id, Bool.random(using: &random) ? .updated : .deregistered)
            }
            catalog.publish(changes)
            for position in followers.indices where Int.random(in: 0 ..< 6, using: &random) == 0 {
                followers[position].read(catalog)
                if Int.random(in: 0 ..< 4, using: &random) == 0 { followers[position].reconnect() }
            }
        }
        for position in followers.indices {
            followers[position].read(catalog)
            let scope = followers[position].scope
            let expected = catalog.snapshots().services.filter { scope.contains($0.service) }.flatMap(\.instances)
            #expect(
                Set(followers[position].instances.values) == Set(expected), "seed \(seed), scope \(scope)")
        }
    }

    @Test("a listener that throws goes on, and others do not notice")
    func listeners() async throws {
        let registry = LocalRegistry()
        let (seen, sink) = AsyncStream.makeStream(of: String.self)
        struct Broken: Error {}
        let failing = registry.listen(to: .all, name: "failing") { _ in
            sink.yield("failing")
            throw Broken()
        }
        let sound = registry.listen(to: .all, name: "sound") { _ in sink.yield("sound") }
        var counts: [String: Int] = [:]
        var iterator = seen.makeAsyncIterator()
        for _ in 0 ..< 2 { counts[await iterator.next() ?? "", default: 0] += 1 }
        try await registry.register(Registration(service: "web", host: "h", port: 1))
        for _ in 0 ..< 2 { counts[await iterator.next() ?? "", default: 0] += 1 }
        #expect(counts == ["failing": 2, "sound": 2])
        failing.cancel()
        sound.cancel()
    }
}

/// Makes changes with growing revisions.
private final class Feed {
    private var revision: UInt64 = 0

    /// A catalog that keeps few changes, so that they run out.
    var small: Catalog.Configuration {
        var configuration = Catalog.Configuration()
        configuration.historyChanges = 16
        configuration.changesPerEvent = 8
        return configuration
    }

    func instance(_ service: ServiceName, _ id: InstanceID, revision: UInt64) -> ServiceInstance {
        ServiceInstance(
            registration: Registration(service: service, id: id, host: "h", port: 1), incarnation: Incarnation(1),
            revision: Revision(revision), registeredAt: WallTime(millisecondsSinceEpoch: 0),
            changedAt: WallTime(millisecondsSinceEpoch: 0))
    }

    func change(_ service: ServiceName, _ id: InstanceID, _ kind: InstanceChange.Kind) -> InstanceChange {
        revision += 1
        return InstanceChange(
            revision: Revision(revision), kind: kind, instance: instance(service, id, revision: revision), bornAt: .zero
        )
    }

    func publish(_ catalog: Catalog, _ service: ServiceName, _ id: InstanceID, _ kind: InstanceChange.Kind = .updated) {
        catalog.publish([change(service, id, kind)])
    }
}

/// Applies events as a consumer does.
private struct Follower {
    let scope: WatchScope
    var cursor = Catalog.Cursor()
    var instances: [InstanceKey: ServiceInstance] = [:]

    /// Comes back as a consumer that only remembers its revision.
    mutating func reconnect() { cursor = Catalog.Cursor(revision: cursor.revision) }

    mutating func read(_ catalog: Catalog) {
        while let event = catalog.next(in: scope, after: &cursor) {
            switch event {
            case .snapshot(let snapshot):
                instances = [:]
                for instance in snapshot.services.flatMap(\.instances) { instances[instance.key] = instance }
            case .changes(let batch):
                for change in batch.changes { instances[change.key] = change.isRemoval ? nil : change.instance }
            case .engine: break
            }
        }
    }
}
