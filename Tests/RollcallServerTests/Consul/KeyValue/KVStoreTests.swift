// SPDX-License-Identifier: Apache-2.0
// Rollcall

import HashTreeCollections
import Logging
import Rollcall
import RollcallEmbedded
import RollcallTesting
import Synchronization
import Testing

@testable import RollcallServer

@Suite("The KV store over a registry", .timeLimit(.minutes(1)))
struct KVStoreTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func open(_ registry: LocalRegistry, _ time: TimeSource = .manual(ManualClock())) throws -> KVStore {
        try KVStore(records: registry, revision: registry.catalog.revision, time: time, logger: Self.quiet)
    }

    private func set(_ key: String, _ value: String, flags: UInt64 = 0) -> KVCommand {
        .operation(KVOperation(verb: .set, key: KVKey(key), value: Array(value.utf8), flags: flags))
    }

    private func lock(_ key: String, _ session: String) -> KVCommand {
        .operation(KVOperation(verb: .lock, key: KVKey(key), session: session))
    }

    private func isDone(_ reply: KVReply) -> Bool {
        if case .operation(let outcome) = reply { outcome.isDone } else { false }
    }

    private func session(_ id: String, ttl: Int64? = nil, behavior: ConsulSession.Behavior = .release)
        -> ConsulSession
    {
        var session = ConsulSession(id: id, node: "n", behavior: behavior, nodeChecks: ["serfHealth"])
        if let ttl { (session.ttl, session.ttlText) = (.seconds(ttl), "\(ttl)s") }
        return session
    }

    @Test("finds after a restart what was acknowledged, with its indexes, and goes on above them")
    func restart() async throws {
        let folder = try KVFolder()
        let registry = try await EmbeddedRegistry.open(path: folder.path)
        let store = try open(registry)
        _ = try await store.submit(set("a/b", "one", flags: .max))
        _ = try await store.submit(set("e\u{301}", "two"))
        _ = try await store.submit(set("\u{e9}", ""))
        _ = try await store.submit(set("gone", "x"))
        _ = try await store.submit(.createSession(session("s1", ttl: 15, behavior: .delete)))
        #expect(isDone(try await store.submit(lock("lock/x", "s1"))))
        _ = try await store.submit(.operation(KVOperation(verb: .delete, key: "gone")))
        var query = PreparedQuery(id: "q-id", name: "q")
        query.service = "web"
        query.tags = ["!old"]
        query.nodeMeta = [JSONMember(key: "k", value: .string("v"))]
        _ = try await store.submit(.storeQuery(query))
        let before = store.state
        await registry.shutdown()

        let second = try await EmbeddedRegistry.open(path: folder.path)
        let state = try open(second).state
        #expect(rows(state) == rows(before))
        #expect(state.entries.count == 4)
        #expect(state.sessions == before.sessions)
        #expect(state.queries == before.queries)
        #expect(state.keys(lockedBy: "s1") == ["lock/x"])
        for key in ["gone", "a/b", "other"] as [KVKey] {
            #expect(state.index(of: key) >= before.index(of: key))
            #expect(state.index(under: key) >= before.index(under: key))
        }
        await second.shutdown()
    }

    private func rows(_ state: KVState) -> [KVRow] {
        state.entries.entries(under: "").map { KVRow(key: $0.key, entry: $0.value) }
    }

    @Test("refuses to open a record that it cannot read, and names it", arguments: [
        ("consul.kv", "{"), ("consul.kv", #"{"Value":"!"}"#), ("consul.session", "[]"),
        ("consul.query", #"{"Name":1}"#),
    ])
    func damaged(space: String, body: String) async throws {
        let record = Record(key: RecordKey(space: space, name: "bad"), body: Array(body.utf8))
        let registry = LocalRegistry(recovered: RecoveredState(records: [record]))
        let failure = #expect(throws: KVRecords.Unreadable.self) { try open(registry) }
        #expect(failure?.description.contains("\(space)/bad") == true)
        await registry.shutdown()
    }

    @Test("answers commands that come together from few commits, in one order")
    func batches() async throws {
        let folder = try KVFolder()
        let registry = try await EmbeddedRegistry.open(path: folder.path)
        let store = try open(registry)
        let won = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<400 {
                group.addTask {
                    let operation = KVOperation(verb: .cas, key: KVKey("k/\(number % 40)"), value: [UInt8(number % 7)])
                    return isDone(try await store.submit(.operation(operation))) ? 1 : 0
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(won == 40)
        #expect(store.state.entries.count == 40)
        #expect(registry.statistics.commits < 200)
        await registry.shutdown()
    }

    @Test("changes nothing when the disk is full, and says so")
    func full() async throws {
        let folder = try KVFolder()
        let storage = EmbeddedRegistry.Storage(maximumFileBytes: 1 << 20)
        let registry = try await EmbeddedRegistry.open(path: folder.path, storage: storage, logger: Self.quiet)
        let store = try open(registry)
        var failure: RegistryError?
        var stored = 0
        let value = String(repeating: "v", count: 100_000)
        while failure == nil, stored < 100 {
            do {
                _ = try await store.submit(set("big/\(stored)", value))
                stored += 1
            } catch {
                failure = error
            }
        }
        #expect(failure?.code == .storageFull)
        #expect(store.state.entries.count == stored)
        #expect(isDone(try await store.submit(.operation(KVOperation(verb: .deleteTree, key: "big/")))))
        #expect(store.state.entries.count == 0)
        await registry.shutdown()
    }

    @Test("gives every session its full TTL after a restart")
    func restartedTTL() async throws {
        let folder = try KVFolder()
        let first = try await EmbeddedRegistry.open(path: folder.path)
        _ = try await open(first).submit(.createSession(session("s", ttl: 10)))
        await first.shutdown()

        let clock = ManualClock()
        clock.advance(by: .seconds(100))
        let second = try await EmbeddedRegistry.open(path: folder.path)
        let store = try open(second, .manual(clock))
        let running = Task { await store.run() }
        clock.advance(by: .seconds(10))
        #expect(store.renew("s") != nil)
        let signal = Signal(store, .sessions)
        clock.advance(by: .seconds(20))
        // The store may not have gone to sleep yet when the clock was moved; then it finds the time by itself.
        await signal.wait()
        #expect(store.state.sessions["s"] == nil)
        running.cancel()
        await running.value
        await second.shutdown()
    }

    @Test("ends a session between one and two of its TTLs, and not while it is renewed")
    func sessions() async throws {
        let clock = ManualClock()
        let registry = LocalRegistry(time: .manual(clock))
        let store = try open(registry, .manual(clock))
        let running = Task { await store.run() }
        _ = try await store.submit(.createSession(session("short", ttl: 10, behavior: .delete)))
        _ = try await store.submit(.createSession(session("renewed", ttl: 10)))
        _ = try await store.submit(.createSession(session("forever")))
        for id in ["short", "renewed", "forever"] { #expect(isDone(try await store.submit(lock("lock/\(id)", id)))) }
        let ended = Signal(store, .sessions)
        for _ in 0..<19 {
            clock.advance(by: .seconds(1))
            #expect(store.renew("renewed") != nil)
            #expect(store.renew("forever") != nil)
        }
        #expect(store.state.sessions["short"] != nil)
        while store.state.sessions["short"] != nil {
            clock.advance(by: .milliseconds(500))
            _ = store.renew("renewed")
            await Task.yield()
        }
        await ended.wait()
        #expect(store.renew("short") == nil)
        #expect(store.state.entries["lock/short"] == nil)
        #expect(store.state.entries["lock/renewed"]?.session == "renewed")
        #expect(Set(store.state.sessions.keys) == ["renewed", "forever"])

        // Nobody gets the lock within the delay.
        _ = try await store.submit(.createSession(session("next")))
        #expect(!isDone(try await store.submit(lock("lock/short", "next"))))
        clock.advance(by: .seconds(16))
        #expect(isDone(try await store.submit(lock("lock/short", "next"))))
        running.cancel()
        await running.value
        await registry.shutdown()
    }

    @Test("wakes who waits for a key or a prefix of it, and nobody else")
    func waking() async throws {
        let registry = LocalRegistry()
        let store = try open(registry)
        let scopes: [KVScope] = [
            .key("a/b"), .key("a/c"), .prefix("a/"), .prefix("a/b"), .prefix("a/c"), .prefix(""), .sessions, .queries,
        ]
        let wakes = Mutex([KVScope: Int]())
        var observations = scopes.map { scope in
            store.source(scope).observe { wakes.withLock { $0[scope, default: 0] += 1 } }
        }
        #expect(store.waiterCount == scopes.count)
        _ = try await store.submit(set("a/b", "1"))
        #expect(wakes.withLock { $0 } == [.key("a/b"): 1, .prefix("a/"): 1, .prefix("a/b"): 1, .prefix(""): 1])
        // What changes nothing wakes nobody.
        _ = try await store.submit(set("a/b", "1"))
        #expect(wakes.withLock { $0[.key("a/b")] } == 1)
        _ = try await store.submit(.createSession(session("s")))
        #expect(wakes.withLock { $0[.sessions] } == 1)
        _ = try await store.submit(.operation(KVOperation(verb: .deleteTree, key: "a")))
        #expect(wakes.withLock { $0[.prefix("")] } == 2)
        #expect(wakes.withLock { $0[.key("a/c")] } == nil)
        observations = []
        #expect(store.waiterCount == 0)
        _ = observations
        await registry.shutdown()
    }

    private struct Checks: SessionChecks {
        final class State: Sendable {
            let values = Mutex<[SessionLink: HealthCheck.Status]>([:])
            let events = EventLog()

            func set(_ link: SessionLink, _ status: HealthCheck.Status?) {
                values.withLock { $0[link] = status }
                events.fire(
                    UserEvent(
                        high: 1, low: 2, name: "", payload: [], nodeFilter: "", serviceFilter: "", tagFilter: ""))
            }
        }

        let state = State()

        func hasNode(_ name: String) -> Bool {
            state.values.withLock { $0[SessionLink(node: name, check: nil)] != nil }
        }

        func status(ofCheck id: String, on node: String) -> HealthCheck.Status? {
            state.values.withLock { $0[SessionLink(node: node, check: id)] }
        }

        var sessionWakeSources: [any ConsulWakeSource] { [state.events] }
    }

    @Test("ends the sessions whose check becomes critical or vanishes, or whose node is gone")
    func links() async throws {
        let registry = LocalRegistry()
        let store = try open(registry)
        let checks = Checks()
        func link(_ node: String, _ check: String?) -> SessionLink { SessionLink(node: node, check: check) }
        for node in ["n1", "n2"] {
            checks.state.set(link(node, nil), .passing)
            for check in ["a", "b"] { checks.state.set(link(node, check), .passing) }
        }
        let guarding = SessionGuard(store: store, checks: checks, time: .system, logger: Self.quiet)
        let running = Task { await guarding.run() }
        for (id, node, list) in [("1", "n1", ["a"]), ("2", "n1", ["b"]), ("3", "n2", ["b"]), ("4", "n1", [])] {
            _ = try await store.submit(.createSession(ConsulSession(id: id, node: node, nodeChecks: list)))
        }
        func ids() -> [String] { store.state.sessions.keys.sorted() }
        let signal = Signal(store, .sessions)
        checks.state.set(link("n1", "a"), .warning)
        checks.state.set(link("n1", "a"), .critical)
        await signal.wait()
        #expect(ids() == ["2", "3", "4"])
        checks.state.set(link("n1", "b"), nil)
        await signal.wait()
        #expect(ids() == ["3", "4"])
        checks.state.set(link("n1", nil), nil)
        await signal.wait()
        #expect(ids() == ["3"])
        running.cancel()
        await running.value
        await registry.shutdown()
    }
}

/// Waits for the changes of a scope, one after the other.
private final class Signal: Sendable {
    private let observation: any Sendable
    private let changes: AsyncStream<Void>

    init(_ store: KVStore, _ scope: KVScope) {
        let (changes, sink) = AsyncStream.makeStream(of: Void.self)
        self.changes = changes
        observation = store.source(scope).observe { sink.yield() }
    }

    func wait() async { for await _ in changes { return } }
}
