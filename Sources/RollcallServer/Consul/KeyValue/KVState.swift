// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Rollcall

/// The KV store with its sessions, locks and prepared queries: a value that is told commands, each with an index and an
/// instant. A copy is cheap and shares what does not change, so that a batch is decided on a copy.
struct KVState: Sendable {
    private(set) var entries = KeyTable<KVEntry>()
    private(set) var sessions: TreeDictionary<String, ConsulSession> = [:]
    private(set) var queries: TreeDictionary<String, PreparedQuery> = [:]
    private var tombstones: Tombstones
    /// What sessions depend on, and how many on each.
    private(set) var links: TreeDictionary<SessionLink, Int> = [:]
    /// The keys that each session holds locked.
    private var locks: TreeDictionary<String, Set<KVKey>> = [:]
    /// Until when keys are locked by nobody.
    private var lockDelays: TreeDictionary<KVKey, Instant> = [:]
    /// The last change of any session, of any prepared query.
    private(set) var sessionIndex: UInt64
    private(set) var queryIndex: UInt64

    /// - Parameters:
    ///   - index: Not below any index that was given out before.
    ///   - tombstones: Deletions that are remembered by their keys.
    init(index: UInt64, tombstones limit: Int = 16_384) {
        tombstones = Tombstones(limit: limit)
        tombstones.floor = index
        sessionIndex = index
        queryIndex = index
    }

    // MARK: Reading

    /// The index of one key: of its last change, whether it is there or not. It never goes backwards.
    func index(of key: KVKey) -> UInt64 {
        entries[key]?.modifyIndex ?? max(tombstones.table[key]?.modifyIndex ?? 0, tombstones.floor)
    }

    /// The index of all keys under a prefix, deletions included. It never goes backwards.
    func index(under prefix: KVKey) -> UInt64 {
        max(entries.highestIndex(under: prefix), tombstones.table.highestIndex(under: prefix), tombstones.floor)
    }

    /// Whether somebody may lock a key that is not locked.
    func isLockDelayed(_ key: KVKey, now: Instant) -> Bool { lockDelays[key].map { now < $0 } ?? false }

    /// The keys that a session holds locked.
    func keys(lockedBy session: String) -> Set<KVKey> { locks[session] ?? [] }

    /// The prepared query with this ID or else this name.
    func query(_ idOrName: String) -> PreparedQuery? {
        queries[idOrName] ?? queries.values.first { $0.name == idOrName && !$0.name.isEmpty }
    }

    // MARK: Loading

    mutating func restore(_ entry: KVEntry, under key: KVKey) {
        entries.set(entry, for: key)
        if let session = entry.session { locks[session, default: []].insert(key) }
    }

    mutating func restore(_ session: ConsulSession) {
        sessions[session.id] = session
        for link in session.links { links[link, default: 0] += 1 }
    }

    mutating func restore(_ query: PreparedQuery) { queries[query.id] = query }

    /// Sessions that hold locks and are not there: their keys are released.
    var orphanedLocks: [String] { locks.keys.filter { sessions[$0] == nil } }

    // MARK: Commands

    /// Decides one command.
    ///
    /// - Parameters:
    ///   - index: Higher than all before.
    ///   - changes: Grows by what was changed.
    mutating func apply(_ command: KVCommand, index: UInt64, now: Instant, changes: inout KVChanges) -> KVReply {
        var step = KVStep(index: index, now: now)
        let reply: KVReply
        switch command {
        case .operation(let operation): reply = .operation(perform(operation, &step))
        case .transaction(let operations):
            var draft = self
            let outcomes = draft.perform(operations, &step)
            guard outcomes.allSatisfy(\.isDone) else { return .transaction(outcomes) }
            self = draft
            reply = .transaction(outcomes)
        case .createSession(var session):
            session.createIndex = index
            restore(session)
            sessionIndex = index
            step.changes.sessions.insert(session.id)
            reply = .session(session)
        case .endSessions(let ids):
            for id in ids { end(id, &step) }
            reply = .done
        case .checkFailed(let node, let check):
            endSessions(&step) { $0.node == node && $0.checks.contains(check) }
            reply = .done
        case .nodeGone(let node):
            endSessions(&step) { $0.node == node }
            reply = .done
        case .storeQuery(let query): reply = store(query, &step)
        case .deleteQuery(let id):
            guard queries[id] != nil else { return .failed(Self.unknownQuery(id)) }
            removeQuery(id, &step)
            reply = .done
        }
        changes.formUnion(step.changes)
        return reply
    }

    private static func unknownQuery(_ id: String) -> String { "Cannot modify non-existent prepared query: '\(id)'" }

    private mutating func store(_ query: PreparedQuery, _ step: inout KVStep) -> KVReply {
        var query = query
        if query.createIndex != 0 {
            guard let former = queries[query.id] else { return .failed(Self.unknownQuery(query.id)) }
            query.createIndex = former.createIndex
        } else {
            query.createIndex = step.index
        }
        if !query.session.isEmpty, sessions[query.session] == nil {
            return .failed("invalid session \"\(query.session)\"")
        }
        let name = query.name
        // Only templates may go without a name, and only one of them.
        let isTaken = queries.values.contains { other in
            other.id != query.id && other.name == name && (!name.isEmpty || other.isTemplate && query.isTemplate)
        }
        if isTaken { return .failed("name '\(name)' aliases an existing query name") }
        if name != query.id, queries[name] != nil { return .failed("name '\(name)' aliases an existing query ID") }
        query.modifyIndex = step.index
        queries[query.id] = query
        queryIndex = step.index
        step.changes.queries.insert(query.id)
        return .query(query)
    }

    private mutating func removeQuery(_ id: String, _ step: inout KVStep) {
        queries[id] = nil
        queryIndex = step.index
        step.changes.queries.insert(id)
    }

    // MARK: Sessions

    private mutating func endSessions(_ step: inout KVStep, where isEnded: (ConsulSession) -> Bool) {
        for id in sessions.values.filter(isEnded).map(\.id).sorted() { end(id, &step) }
    }

    /// Ends a session: its locks are released or their keys deleted, and nobody gets them for the time of its delay.
    private mutating func end(_ id: String, _ step: inout KVStep) {
        let session = sessions.removeValue(forKey: id)
        if let session {
            sessionIndex = step.index
            step.changes.sessions.insert(id)
            for link in session.links { links[link] = (links[link] ?? 0) > 1 ? (links[link] ?? 0) - 1 : nil }
        }
        let delay = min(session?.lockDelay ?? .zero, ConsulSession.longestLockDelay)
        for key in locks[id] ?? [] {
            guard var entry = entries[key] else { continue }
            if session?.behavior == .delete {
                remove(key, &step)
            } else {
                entry.session = nil
                store(entry, under: key, &step)
            }
            if delay > .zero { lockDelays[key] = step.now + delay }
        }
        locks[id] = nil
        for query in queries.values where query.session == id { removeQuery(query.id, &step) }
        if lockDelays.count > Self.lockDelaysKept {
            let now = step.now
            lockDelays = lockDelays.filter { now < $0.value }
        }
    }

    /// Delays that are over are forgotten when there are more than this.
    private static let lockDelaysKept = 1024

    // MARK: Entries

    /// Writes an entry as changed by this step.
    mutating func store(_ entry: KVEntry, under key: KVKey, _ step: inout KVStep) {
        let former = entries[key]
        var entry = entry
        entry.createIndex = former?.createIndex ?? step.index
        entry.modifyIndex = step.index
        if former?.session != entry.session {
            unlink(key, from: former?.session)
            if let session = entry.session { locks[session, default: []].insert(key) }
        }
        entries.set(entry, for: key)
        step.changes.keys.insert(key)
    }

    mutating func remove(_ key: KVKey, _ step: inout KVStep) {
        guard let former = entries.remove(key) else { return }
        unlink(key, from: former.session)
        tombstones.add(key, step.index)
        step.changes.keys.insert(key)
    }

    /// Removes all entries under a prefix.
    mutating func removeTree(_ prefix: KVKey, _ step: inout KVStep) {
        var keys: [KVKey] = []
        entries.forEach(under: prefix) { key, entry in
            keys.append(key)
            unlink(key, from: entry.session)
            return true
        }
        entries.removeAll(under: prefix)
        tombstones.add(keys, step.index)
        step.changes.keys.formUnion(keys)
    }

    private mutating func unlink(_ key: KVKey, from session: String?) {
        guard let session else { return }
        locks[session]?.remove(key)
        if locks[session]?.isEmpty == true { locks[session] = nil }
    }
}

/// What one command is decided with, and what it has changed so far.
struct KVStep {
    let index: UInt64
    let now: Instant
    var changes = KVChanges()
}

/// What was changed: whatever is in the state under these names now is to be stored, or removed.
struct KVChanges: Sendable {
    var keys: Set<KVKey> = []
    var sessions: Set<String> = []
    var queries: Set<String> = []

    mutating func formUnion(_ other: KVChanges) {
        keys.formUnion(other.keys)
        sessions.formUnion(other.sessions)
        queries.formUnion(other.queries)
    }
}

extension KVOutcome {
    var isDone: Bool { if case .done = self { true } else { false } }
}
