// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Synchronization

/// The one task that decides writes, makes them durable, applies and publishes them, in this order.
final class Committer: Sendable {
    private struct State {
        var changes: [InstanceChange.Kind: UInt64] = [:]
        var commits: UInt64 = 0
        var failedWrites: UInt64 = 0
        var isFailing = false
        /// No revision above it is given out before a higher one is durable.
        var ceiling: Revision
    }

    private let catalog: Catalog
    private let leases: LeaseClock
    private let journal: (any Journal)?
    private let limits: ModelLimits
    private let time: TimeSource
    private let logger: Logger
    private let state: Mutex<State>

    /// How far the durable ceiling is ahead of the revisions given out. A restart after a crash skips at most this many
    /// numbers; half of it is what lapses and revivals may use up before something has to be written for them.
    static let ceilingStep: UInt64 = 100_000

    init(
        catalog: Catalog, leases: LeaseClock, journal: (any Journal)?, limits: ModelLimits, time: TimeSource,
        logger: Logger
    ) {
        self.catalog = catalog
        self.leases = leases
        self.journal = journal
        self.limits = limits
        self.time = time
        self.logger = logger
        state = Mutex(State(ceiling: catalog.revision))
    }

    /// Works until the queue is closed and empty, then closes the journal.
    func run(_ queue: WriteQueue, most: Int) async {
        await raiseCeiling()
        while true {
            let entries = await queue.take(most: most)
            if entries.isEmpty { break }
            await commit(entries)
        }
        if let journal {
            // After an orderly end the next start goes on with the next revision.
            var last = JournalBatch()
            last.revisionCeiling = catalog.revision
            do { try await journal.append(last) } catch { logger.warning("the last revision was not stored: \(error)") }
            await journal.close()
        }
    }

    /// After an orderly end the stored ceiling is the last revision. It is raised before anything is published, so that
    /// lapses on a disk that is full by then cannot use numbers which a crash would give out again.
    private func raiseCeiling() async {
        guard let journal else { return }
        var first = JournalBatch()
        first.revisionCeiling = Revision(catalog.revision.value + Self.ceilingStep)
        do throws(RegistryError) {
            try await journal.append(first)
            succeeded(first)
        } catch {
            fail([], error)
        }
    }

    func addStatistics(to statistics: inout RegistryStatistics) {
        state.withLock { state in
            statistics.changes = state.changes
            statistics.commits = state.commits
            statistics.failedWrites = state.failedWrites
        }
    }

    private func commit(_ entries: [WriteQueue.Entry]) async {
        var (batch, results) = decide(entries, only: nil)
        if let journal, let durable = durablePart(of: batch) {
            do throws(RegistryError) {
                try await journal.append(durable)
                succeeded(durable)
            } catch {
                fail(entries, error)
                (batch, results) = decide(entries, only: error)
            }
        }
        leases.apply(batch.leaseActions)
        catalog.publish(batch.changes)
        catalog.advance(to: batch.revision)
        state.withLock { state in
            for change in batch.changes { state.changes[change.kind, default: 0] += 1 }
        }
        for (entry, result) in zip(entries, results) { entry.continuation?.resume(returning: result) }
    }

    /// - Parameter failure: Why nothing can be made durable now: what needs it is answered with this, the rest is
    ///   decided.
    private func decide(_ entries: [WriteQueue.Entry], only failure: RegistryError?)
        -> (ChangeBatch, [Result<WriteQueue.Reply, RegistryError>])
    {
        var batch = ChangeBatch(
            after: catalog.revision, limits: limits, now: time.now(), wallTime: time.wallTime(),
            published: catalog.instance)
        let results = entries.map { entry -> Result<WriteQueue.Reply, RegistryError> in
            if let failure, entry.write.isDurable { return .failure(failure) }
            do throws(RegistryError) {
                switch entry.write {
                case .register(let registration, let life):
                    return .success(.registered(try batch.register(registration, life: life)))
                case .deregister(let key, let incarnation):
                    try batch.deregister(key, incarnation: incarnation)
                    return .success(.done)
                case .update(let key, let incarnation, let update):
                    return .success(.updated(try batch.update(key, incarnation: incarnation, update)))
                case .finding(let finding, let key, let incarnation):
                    if leases.confirms(finding, key, incarnation) {
                        batch.apply(finding, to: key, incarnation: incarnation)
                    }
                    return .success(.done)
                case .records(let count, let make):
                    return .success(.committed(batch.commit(revisions: count, make)))
                case .barrier:
                    return .success(.done)
                }
            } catch {
                return .failure(error)
            }
        }
        return (batch, results)
    }

    private func succeeded(_ batch: JournalBatch) {
        let wasFailing = state.withLock { state in
            state.commits += 1
            if let ceiling = batch.revisionCeiling { state.ceiling = ceiling }
            defer { state.isFailing = false }
            return state.isFailing
        }
        if wasFailing { logger.notice("writes are durable again") }
    }

    private func fail(_ entries: [WriteQueue.Entry], _ error: RegistryError) {
        let writes = entries.map(\.write).filter(\.isDurable)
        let wasFailing = state.withLock { state in
            state.failedWrites += UInt64(writes.count)
            defer { state.isFailing = true }
            return state.isFailing
        }
        // Once an outage, not once a write: a full disk must not be filled with the news of it.
        if !wasFailing { logger.error("writes cannot be made durable", metadata: ["error": "\(error)"]) }
        for case .finding(.overdue, let key, _) in writes { leases.evictionFailed(key) }
    }

    /// What of a batch has to be written: the last state of each instance whose durable part changed, records, and
    /// a new ceiling when the present one is near.
    private func durablePart(of batch: ChangeBatch) -> JournalBatch? {
        var part = JournalBatch()
        var last: [InstanceKey: InstanceChange] = [:]
        for change in batch.changes where change.kind.isDurable { last[change.key] = change }
        for change in last.values {
            if change.isRemoval { part.removed.append(change.key) } else { part.stored.append(change.instance) }
        }
        part.records = Array(batch.records.values)
        let used = batch.revision.value + Self.ceilingStep / 2
        if batch.revision > catalog.revision, used > state.withLock({ $0.ceiling.value }) {
            part.revisionCeiling = Revision(batch.revision.value + Self.ceilingStep)
        }
        return part.isEmpty ? nil : part
    }
}

extension WriteQueue.Write {
    /// Whether it cannot be accepted without being made durable.
    var isDurable: Bool {
        switch self {
        case .register, .deregister, .update, .records, .finding(.overdue, _, _): true
        case .finding, .barrier: false
        }
    }
}

extension InstanceChange.Kind {
    /// Whether a restart has to know of it. What a lease is found to be is not: every instance gets a full lease then.
    var isDurable: Bool {
        switch self {
        case .registered, .updated, .deregistered, .evicted, .stateChanged, .checkChanged: true
        case .lapsed, .suspected, .released, .revived: false
        }
    }
}
