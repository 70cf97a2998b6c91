// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting

@testable import RollcallServer

/// What the KV store should do, written down slowly and obviously: dictionaries, and searches through all of them.
struct KVModel {
    var entries: [KVKey: KVEntry] = [:]
    var sessions: [String: ConsulSession] = [:]
    var delays: [KVKey: Instant] = [:]

    mutating func apply(_ command: KVCommand, index: UInt64, now: Instant) -> [Bool] {
        switch command {
        case .operation(let operation): return [perform(operation, index, now)]
        case .transaction(let operations):
            var draft = self
            // A lock delay and a missing key are found before anything is done.
            let makesSense = operations.map { operation in
                !(operation.key.isEmpty && operation.verb != .deleteTree)
                    && !(operation.verb == .lock && now < delays[operation.key] ?? .zero)
            }
            if makesSense.contains(false) { return makesSense }
            let outcomes = operations.map { draft.perform($0, index, now) }
            if !outcomes.contains(false) { self = draft }
            return outcomes
        case .createSession(var session):
            session.createIndex = index
            sessions[session.id] = session
        case .endSessions(let ids): for id in ids { end(id, index, now) }
        case .checkFailed(let node, let check):
            for session in sessions.values where session.node == node && session.checks.contains(check) {
                end(session.id, index, now)
            }
        case .nodeGone(let node):
            for session in sessions.values where session.node == node { end(session.id, index, now) }
        case .storeQuery, .deleteQuery: break
        }
        return []
    }

    private mutating func end(_ id: String, _ index: UInt64, _ now: Instant) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        for (key, entry) in entries where entry.session == id {
            if session.behavior == .delete {
                entries[key] = nil
            } else {
                entries[key]?.session = nil
                entries[key]?.modifyIndex = index
            }
            if session.lockDelay > .zero { delays[key] = now + min(session.lockDelay, .seconds(60)) }
        }
    }

    private mutating func perform(_ operation: KVOperation, _ index: UInt64, _ now: Instant) -> Bool {
        let key = operation.key
        if key.isEmpty, operation.verb != .deleteTree { return false }
        let present = entries[key]
        switch operation.verb {
        case .set: set(operation, present, present?.session, present?.lockIndex ?? 0, index)
        case .cas:
            guard present?.modifyIndex ?? 0 == operation.index else { return false }
            set(operation, present, present?.session, present?.lockIndex ?? 0, index)
        case .lock:
            guard now >= delays[key] ?? .zero, sessions[operation.session] != nil else { return false }
            guard present?.session == nil || present?.session == operation.session else { return false }
            let isNew = present?.session == nil
            set(operation, present, operation.session, (present?.lockIndex ?? 0) + (isNew ? 1 : 0), index)
        case .unlock:
            guard let present, present.session == operation.session, !operation.session.isEmpty else { return false }
            set(operation, present, nil, present.lockIndex, index)
        case .delete: entries[key] = nil
        case .deleteCAS:
            guard let present else { return true }
            guard present.modifyIndex == operation.index else { return false }
            entries[key] = nil
        case .deleteTree: entries = entries.filter { !$0.key.text.utf8.starts(with: key.text.utf8) }
        case .get: return present != nil
        case .getOrEmpty, .getTree: return true
        case .checkIndex: return present.map { $0.modifyIndex == operation.index } ?? false
        case .checkSession: return present.map { $0.session ?? "" == operation.session } ?? false
        case .checkNotExists: return present == nil
        }
        return true
    }

    private mutating func set(
        _ operation: KVOperation, _ present: KVEntry?, _ session: String?, _ lockIndex: UInt64, _ index: UInt64
    ) {
        if let present, present.value == operation.value, present.flags == operation.flags,
            present.session == session, present.lockIndex == lockIndex
        {
            return
        }
        entries[operation.key] = KVEntry(
            value: operation.value, flags: operation.flags, lockIndex: lockIndex, session: session,
            createIndex: present?.createIndex ?? index, modifyIndex: index)
    }
}
