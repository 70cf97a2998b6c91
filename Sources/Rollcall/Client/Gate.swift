// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// Opens once; those who came before wait.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    var isOpen: Bool { state.withLock(\.isOpen) }

    /// - Returns: Whether it was this call that opened the gate.
    @discardableResult
    func open() -> Bool {
        let (isFirst, waiting) = state.withLock { state in
            defer {
                state.isOpen = true
                state.waiting = [:]
            }
            return (!state.isOpen, state.waiting)
        }
        for continuation in waiting.values { continuation.resume() }
        return isFirst
    }

    /// Returns when the gate is open, at `deadline`, or when the task was cancelled: whether it is open.
    func wait(until deadline: Instant, _ time: TimeSource) async -> Bool {
        if isOpen { return true }
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let alarm = Task { [weak self] in
            try? await time.sleep(until: deadline)
            self?.release(number)
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isWaiting = state.withLock { state in
                    if state.isOpen || Task.isCancelled { return false }
                    state.waiting[number] = continuation
                    return true
                }
                if !isWaiting { continuation.resume() }
            }
        } onCancel: {
            release(number)
        }
        alarm.cancel()
        return isOpen
    }

    private func release(_ number: UInt64) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
    }
}
