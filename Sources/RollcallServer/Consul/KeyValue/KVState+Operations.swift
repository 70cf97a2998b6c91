// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Rollcall

/// What each operation does, with Consul's words for why it does not.
extension KVState {
    /// Performs one operation, or nothing.
    mutating func perform(_ operation: KVOperation, _ step: inout KVStep) -> KVOutcome {
        if let fault = refusal(of: operation, now: step.now) { return fault }
        let key = operation.key
        let present = entries[key]
        switch operation.verb {
        case .set:
            return write(operation, session: present?.session, lockIndex: present?.lockIndex ?? 0, &step)
        case .cas:
            let isCurrent = operation.index == 0 ? present == nil : present?.modifyIndex == operation.index
            guard isCurrent else { return .refused("failed to set key \"\(key)\", index is stale") }
            return write(operation, session: present?.session, lockIndex: present?.lockIndex ?? 0, &step)
        case .lock: return lock(operation, present, &step)
        case .unlock:
            guard !operation.session.isEmpty else { return .failed("missing session") }
            guard let present, present.session == operation.session else {
                return .refused("failed to unlock key \"\(key)\", lock isn't held, or is held by another session")
            }
            return write(operation, session: nil, lockIndex: present.lockIndex, &step)
        case .delete:
            remove(key, &step)
            return .done([])
        case .deleteCAS:
            guard present == nil || present?.modifyIndex == operation.index else {
                return .refused("failed to delete key \"\(key)\", index is stale")
            }
            remove(key, &step)
            return .done([])
        case .deleteTree:
            removeTree(key, &step)
            return .done([])
        case .get, .getOrEmpty, .getTree, .checkIndex, .checkSession, .checkNotExists: return read(operation)
        }
    }

    /// Performs all operations in their order; what those before one have done is seen by it.
    mutating func perform(_ operations: [KVOperation], _ step: inout KVStep) -> [KVOutcome] {
        // What makes no sense is found before anything is done.
        let faults = operations.map { refusal(of: $0, now: step.now) }
        if faults.contains(where: { $0 != nil }) { return faults.map { $0 ?? .done([]) } }
        return operations.map { perform($0, &step) }
    }

    /// Performs operations that only read.
    func read(_ operations: [KVOperation], now: Instant) -> [KVOutcome] {
        operations.map { refusal(of: $0, now: now) ?? read($0) }
    }

    private func refusal(of operation: KVOperation, now: Instant) -> KVOutcome? {
        if operation.key.isEmpty, operation.verb != .deleteTree { return .failed("Must provide key") }
        if operation.verb == .lock, isLockDelayed(operation.key, now: now) {
            return .refused("failed to lock key \"\(operation.key)\" due to lock delay")
        }
        return nil
    }

    private mutating func lock(_ operation: KVOperation, _ present: KVEntry?, _ step: inout KVStep) -> KVOutcome {
        guard !operation.session.isEmpty else { return .failed("missing session") }
        guard sessions[operation.session] != nil else { return .failed("invalid session \"\(operation.session)\"") }
        let holder = present?.session
        guard holder == nil || holder == operation.session else {
            return .refused("failed to lock key \"\(operation.key)\", lock is already held")
        }
        let lockIndex = (present?.lockIndex ?? 0) + (holder == nil ? 1 : 0)
        return write(operation, session: operation.session, lockIndex: lockIndex, &step)
    }

    /// Writes the operation's value. What changes nothing keeps its index.
    private mutating func write(
        _ operation: KVOperation, session: String?, lockIndex: UInt64, _ step: inout KVStep
    ) -> KVOutcome {
        let present = entries[operation.key]
        let entry = KVEntry(
            value: operation.value, flags: operation.flags, lockIndex: lockIndex, session: session,
            createIndex: present?.createIndex ?? 0, modifyIndex: present?.modifyIndex ?? 0)
        if entry != present { store(entry, under: operation.key, &step) }
        return .done([KVRow(key: operation.key, entry: entries[operation.key] ?? entry)])
    }

    private func read(_ operation: KVOperation) -> KVOutcome {
        let key = operation.key
        let present = entries[key]
        switch operation.verb {
        case .getTree: return .done(entries.entries(under: key).map { KVRow(key: $0.key, entry: $0.value) })
        case .checkNotExists: return present == nil ? .done([]) : .failed("key \"\(key)\" exists")
        case .getOrEmpty:
            return .done([KVRow(key: key, entry: present ?? KVEntry(value: [], createIndex: 0, modifyIndex: 0))])
        case .checkSession:
            guard let present else { return .failed("failed to check session, key \"\(key)\" doesn't exist") }
            let current = present.session ?? ""
            guard current == operation.session else {
                return .failed(
                    "failed session check for key \"\(key)\", "
                        + "current session \"\(current)\" != \"\(operation.session)\"")
            }
            return .done([KVRow(key: key, entry: present)])
        case .checkIndex:
            guard let present else { return .failed("failed to check index, key \"\(key)\" doesn't exist") }
            guard present.modifyIndex == operation.index else {
                return .failed(
                    "failed index check for key \"\(key)\", "
                        + "current modify index \(present.modifyIndex) != \(operation.index)")
            }
            return .done([KVRow(key: key, entry: present)])
        default:
            guard let present else { return .failed("key \"\(key)\" doesn't exist") }
            return .done([KVRow(key: key, entry: present)])
        }
    }
}
