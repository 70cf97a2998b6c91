// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall
internal import Synchronization

/// Something whose changes wake waiting queries.
protocol ConsulWakeSource: Sendable {
    /// Calls `wake` after each change that may concern the caller, until the returned object is released. `wake` must
    /// only signal.
    func observe(_ wake: @escaping @Sendable () -> Void) -> any Sendable
}

/// Consul's blocking queries: a read that waits until its index is higher than the one that the caller has seen.
enum BlockingQuery {
    /// What a read came to: the index that it belongs to, and the answer when it is wanted.
    struct Reading: Sendable {
        var index: UInt64
        var answer: @Sendable () throws(ConsulError) -> ConsulAnswer
    }

    /// Reads, and reads again after each wake-up, until the index is higher than the caller's or the time is up: then
    /// the present result is the answer, with its unchanged index.
    ///
    /// The wait is lengthened by up to a sixteenth, so that callers that began together do not all come back together.
    ///
    /// - Parameter headers: Of the answer, for its index.
    static func run(
        _ options: ConsulQueryOptions, on eventLoop: any EventLoop, waking sources: [any ConsulWakeSource],
        headers: @Sendable (UInt64) -> [(name: String, value: String)],
        _ read: () throws(ConsulError) -> Reading
    ) async throws(ConsulError) -> ConsulAnswer {
        var reading = try read()
        if options.index > 0, reading.index <= options.index {
            let signal = WaitSignal()
            // Observed before the next read, so that no change falls between.
            let observations = sources.map { $0.observe { signal.wake() } }
            let jitter = options.wait * Double.random(in: 0 ..< 1.0 / 16)
            let timer = eventLoop.scheduleTask(in: TimeAmount(options.wait + jitter)) { signal.expire() }
            reading = try read()
            while reading.index <= options.index, await signal.wait() { reading = try read() }
            timer.cancel()
            withExtendedLifetime(observations) {}
        }
        return try reading.answer().adding(headers(max(1, reading.index)))
    }
}

/// Wakes one waiter: for a change, or for good.
private final class WaitSignal: Sendable {
    private struct State {
        var isWoken = false
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func wake() { signal { $0.isWoken = true } }

    func expire() { signal { $0.isOver = true } }

    private func signal(_ note: (inout State) -> Void) {
        let waiter = state.withLock { state in
            note(&state)
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Waits for a change; `false` when the time is up or the caller has gone.
    func wait() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if state.isWoken || state.isOver { return true }
                    state.waiter = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            expire()
        }
        return state.withLock { state in
            if state.isOver { return false }
            state.isWoken = false
            return true
        }
    }
}
