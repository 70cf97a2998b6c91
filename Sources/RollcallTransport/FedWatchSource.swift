// SPDX-License-Identifier: Apache-2.0
// Rollcall

package import Rollcall
internal import Synchronization

/// The consumer's end of a watch. Its release ends the task that feeds it.
package final class FedWatchSource: WatchSource {
    private let mailbox: WatchMailbox
    private let task: Task<Void, Never>?

    /// - Parameter run: Feeds the mailbox until nobody wants more.
    package init(_ mailbox: WatchMailbox, _ feeds: WatchFeeds, _ run: @escaping @Sendable () async -> Void) {
        self.mailbox = mailbox
        task = feeds.start(mailbox, run)
    }

    deinit {
        mailbox.finish()
        task?.cancel()
    }

    package func next() async -> WatchEvent? {
        let event = await mailbox.take()
        // The consumer was cancelled, or the registry shut down: nothing more comes, so nothing more has to be read.
        if event == nil { task?.cancel() }
        return event
    }
}

/// The watches of a registry that are open, to be ended with it.
package final class WatchFeeds: Sendable {
    private struct State {
        var running: [UInt64: Task<Void, Never>] = [:]
        var started: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Runs `run` in a task of its own; `nil` when the registry was shut down, and the watch ends at once.
    func start(_ mailbox: WatchMailbox, _ run: @escaping @Sendable () async -> Void) -> Task<Void, Never>? {
        state.withLock { state in
            guard !state.isClosed else {
                mailbox.finish()
                return nil
            }
            let number = state.started
            state.started += 1
            let task = Task { [weak self] in
                await run()
                self?.ended(number)
            }
            state.running[number] = task
            return task
        }
    }

    private func ended(_ number: UInt64) {
        _ = state.withLock { $0.running.removeValue(forKey: number) }
    }

    /// Ends all watches.
    ///
    /// - Returns: The tasks, which end now; `nil` when it was closed before.
    package func close() -> [Task<Void, Never>]? {
        let running = state.withLock { state -> [Task<Void, Never>]? in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            return Array(state.running.values)
        }
        for task in running ?? [] { task.cancel() }
        return running
    }
}
