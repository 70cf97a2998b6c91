// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// A follower of a catalog that waits in an async task. It holds a cursor and a bit, whatever happens meanwhile.
final class CatalogWatchSource: WatchSource {
    private let catalog: Catalog
    private let scope: WatchScope
    private let cursor: Mutex<Catalog.Cursor>
    private let signal = WakeSignal()
    private let observation: Catalog.Observation

    init(_ catalog: Catalog, _ scope: WatchScope, from revision: Revision?) {
        self.catalog = catalog
        self.scope = scope
        cursor = Mutex(Catalog.Cursor(revision: revision))
        observation = catalog.observe(scope) { [signal] in signal.wake() }
    }

    func next() async -> WatchEvent? {
        while !Task.isCancelled {
            // Read before the look at the catalog, so that what is published after the look is not missed.
            let isClosed = catalog.isClosed
            if let event = cursor.withLock({ catalog.next(in: scope, after: &$0) }) { return event }
            if isClosed { return nil }
            await signal.wait()
        }
        return nil
    }
}

/// Wakes one waiting task. A call of ``wake()`` while nobody waits makes the next wait return at once; further calls
/// add nothing.
final class WakeSignal: Sendable {
    private struct State {
        var isSet = false
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func wake() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.isSet = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns after the next call of ``wake()``, and when the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isSet = state.withLock { state in
                    if state.isSet || Task.isCancelled {
                        state.isSet = false
                        return true
                    }
                    precondition(state.waiter == nil, "two tasks wait for one signal")
                    state.waiter = continuation
                    return false
                }
                if isSet { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }
}
