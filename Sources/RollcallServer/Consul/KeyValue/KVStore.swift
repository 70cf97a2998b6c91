// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Logging
internal import Rollcall
internal import Synchronization

/// The KV store, sessions and prepared queries of a server.
///
/// Commands are decided one after the other, in batches: all that came in while the batch before was being made durable
/// is one commit. A batch is decided on a copy of the state, made durable, and only then shown, so nobody reads what a
/// crash could take back.
final class KVStore: Sendable {
    private struct Shared {
        var state: KVState
        var deadlines = SessionDeadlines()
        var waiters = KVWaiters()
    }

    private struct Waiting {
        let command: KVCommand
        let continuation: CheckedContinuation<Result<KVReply, RegistryError>, Never>
    }

    private struct Queue {
        var waiting: [Waiting] = []
        var isWriting = false
    }

    private let records: any RecordStore
    private let time: TimeSource
    private let logger: Logger
    private let shared: Mutex<Shared>
    private let queue = Mutex(Queue())

    /// Commands that may wait; further ones are refused as `overloaded`.
    private static let waitingMost = 65_536
    /// Commands, and bytes of values, that are made durable together at most.
    private static let batchMost = 1024
    private static let batchBytesMost = 8 << 20
    /// The shortest TTL ends after twice this, so whoever looks this often misses none.
    static let shortestTTL: Duration = .seconds(10)
    private static let retryDelay: Duration = .seconds(1)

    /// Opens what a start found. Every session gets its full TTL from now.
    ///
    /// - Parameter revision: The registry's: not below any index that was given out before.
    init(records: any RecordStore, revision: Revision, time: TimeSource, logger: Logger) throws(KVRecords.Unreadable) {
        self.records = records
        self.time = time
        self.logger = logger
        var state = KVState(index: revision.value)
        try KVRecords.load(records, into: &state)
        var shared = Shared(state: state)
        for session in state.sessions.values {
            if let ttl = session.ttl { shared.deadlines.begin(session.id, ttl: ttl, now: time.now()) }
        }
        self.shared = Mutex(shared)
    }

    /// The state as of now.
    var state: KVState { shared.withLock { $0.state } }

    // MARK: Commands

    /// Decides a command, and makes it durable.
    ///
    /// - Throws: `storage`, `storageFull`, `overloaded` or `closed`: nothing was changed.
    func submit(_ command: KVCommand) async throws(RegistryError) -> KVReply {
        let result = await withCheckedContinuation { continuation in
            let (begins, isFull) = queue.withLock { queue in
                guard queue.waiting.count < Self.waitingMost else { return (false, true) }
                queue.waiting.append(Waiting(command: command, continuation: continuation))
                defer { queue.isWriting = true }
                return (!queue.isWriting, false)
            }
            if begins { Task { await self.write() } }
            if isFull {
                let text = "KV write: \(Self.waitingMost) writes are waiting already"
                continuation.resume(returning: .failure(RegistryError(.overloaded, text, retry: .after(.seconds(1)))))
            }
        }
        return try result.get()
    }

    /// Writes until nothing waits. There is one of it at a time.
    private func write() async {
        while let batch = takeBatch() { await commit(batch) }
    }

    private func takeBatch() -> [Waiting]? {
        queue.withLock { queue in
            guard !queue.waiting.isEmpty else {
                queue.isWriting = false
                return nil
            }
            var bytes = 0
            var count = 0
            for entry in queue.waiting.prefix(Self.batchMost) {
                bytes += entry.command.valueBytes
                if bytes > Self.batchBytesMost, count > 0 { break }
                count += 1
            }
            defer { queue.waiting.removeFirst(count) }
            return Array(queue.waiting.prefix(count))
        }
    }

    private struct Decided: Sendable {
        var state: KVState
        var changes = KVChanges()
        var replies: [KVReply] = []
    }

    private func commit(_ batch: [Waiting]) async {
        let decided = Mutex<Decided?>(nil)
        do throws(RegistryError) {
            let commands = batch.map(\.command)
            let (state, now) = (self.state, time.now())
            try await records.commit(revisions: commands.count) { first in
                var draft = Decided(state: state)
                for (offset, command) in commands.enumerated() {
                    let index = first.value + UInt64(offset)
                    draft.replies.append(
                        draft.state.apply(command, index: index, now: now, changes: &draft.changes))
                }
                let writes = KVRecords.writes(draft.changes, of: draft.state)
                decided.withLock { $0 = draft }
                return writes
            }
            guard let decided = decided.withLock({ $0 }) else { preconditionFailure("a commit decided nothing") }
            publish(decided)
            for (entry, reply) in zip(batch, decided.replies) { entry.continuation.resume(returning: .success(reply)) }
        } catch {
            for entry in batch { entry.continuation.resume(returning: .failure(error)) }
        }
    }

    private func publish(_ decided: Decided) {
        let now = time.now()
        let wakes = shared.withLock { shared in
            shared.state = decided.state
            for id in decided.changes.sessions {
                if let ttl = decided.state.sessions[id]?.ttl {
                    shared.deadlines.begin(id, ttl: ttl, now: now)
                } else {
                    shared.deadlines.remove(id)
                }
            }
            return shared.waiters.concerned(by: decided.changes)
        }
        for wake in wakes { wake() }
    }

    // MARK: Sessions

    /// Restarts the TTL of a session.
    ///
    /// - Returns: `nil` when there is no such session.
    func renew(_ id: String) -> ConsulSession? {
        let now = time.now()
        return shared.withLock { shared in
            guard let session = shared.state.sessions[id], shared.deadlines.renew(id, now: now) else { return nil }
            return session
        }
    }

    /// Ends sessions that have run out, until the task is cancelled.
    func run() async {
        // What a former start left behind: locks of sessions whose end was not written with them.
        let orphans = state.orphanedLocks
        if !orphans.isEmpty { _ = try? await submit(.endSessions(orphans)) }
        while !Task.isCancelled {
            let now = time.now()
            let due = shared.withLock { $0.deadlines.takeDue(now: now) }
            if !due.isEmpty { await end(due) }
            let next = shared.withLock { $0.deadlines.next } ?? .distantFuture
            do { try await time.sleep(until: min(next, now + Self.shortestTTL)) } catch { return }
        }
    }

    private func end(_ ids: [String]) async {
        do throws(RegistryError) {
            _ = try await submit(.endSessions(ids))
        } catch {
            logger.warning("sessions that ran out are not ended yet", metadata: ["error": "\(error)"])
            let later = time.now() + Self.retryDelay
            shared.withLock { $0.deadlines.postpone(ids, until: later) }
        }
    }

    // MARK: Waiting

    /// Wakes whoever waits for a change of `scope`.
    func source(_ scope: KVScope) -> any ConsulWakeSource { KVWakeSource(store: self, scope: scope) }

    /// The number of readers that wait.
    var waiterCount: Int { shared.withLock { $0.waiters.count } }

    fileprivate func add(_ scope: KVScope, _ wake: @escaping @Sendable () -> Void) -> UInt64 {
        shared.withLock { $0.waiters.add(scope, wake) }
    }

    fileprivate func remove(_ scope: KVScope, _ id: UInt64) { shared.withLock { $0.waiters.remove(scope, id) } }
}

private struct KVWakeSource: ConsulWakeSource {
    let store: KVStore
    let scope: KVScope

    func observe(_ wake: @escaping @Sendable () -> Void) -> any Sendable {
        KVObservation(store: store, scope: scope, id: store.add(scope, wake))
    }
}

/// Keeps a waiter registered for as long as it lives.
private final class KVObservation: Sendable {
    private let store: KVStore
    private let scope: KVScope
    private let id: UInt64

    init(store: KVStore, scope: KVScope, id: UInt64) {
        self.store = store
        self.scope = scope
        self.id = id
    }

    deinit { store.remove(scope, id) }
}

extension KVCommand {
    /// The bytes of values that are written with it.
    fileprivate var valueBytes: Int {
        switch self {
        case .operation(let operation): operation.value.count
        case .transaction(let operations): operations.reduce(0) { $0 + $1.value.count }
        default: 0
        }
    }
}
