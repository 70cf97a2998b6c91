// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Synchronization

/// A journal that makes nothing durable until a test opens it: until then all writes wait.
final class GatedJournal: Journal {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Lets everything pass from now on.
    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func append(_ batch: JournalBatch) async throws(RegistryError) {
        await withCheckedContinuation { continuation in
            let passes = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if passes { continuation.resume() }
        }
    }

    func close() async {}
}
