// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// Those who wait for any change of one thing.
final class WakeList: ConsulWakeSource {
    private struct State {
        var wakes: [UInt64: @Sendable () -> Void] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    func observe(_ wake: @escaping @Sendable () -> Void) -> any Sendable {
        let id = state.withLock { state in
            state.next += 1
            state.wakes[state.next] = wake
            return state.next
        }
        return Place(list: self, id: id)
    }

    /// Wakes all of them. To be called after the change can be read, without a lock that reading it takes.
    func wakeAll() {
        let wakes = state.withLock { Array($0.wakes.values) }
        for wake in wakes { wake() }
    }

    /// Keeps an observer in the list for as long as it lives.
    private final class Place: Sendable {
        private let list: WakeList
        private let id: UInt64

        init(list: WakeList, id: UInt64) {
            self.list = list
            self.id = id
        }

        deinit { _ = list.state.withLock { $0.wakes.removeValue(forKey: id) } }
    }
}
