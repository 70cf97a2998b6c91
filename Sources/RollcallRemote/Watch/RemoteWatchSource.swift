// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import Synchronization

/// The consumer's end of a watch. Its release ends the task that feeds it.
final class RemoteWatchSource: WatchSource {
    private let mailbox: WatchMailbox
    private let task: Task<Void, Never>?

    init(_ feed: WatchFeed, _ feeds: WatchFeeds) {
        mailbox = feed.mailbox
        task = feeds.start(feed)
    }

    deinit {
        mailbox.finish()
        task?.cancel()
    }

    func next() async -> WatchEvent? {
        let event = await mailbox.take()
        // The consumer was cancelled, or the registry shut down: nothing more comes, so nothing more has to be read.
        if event == nil { task?.cancel() }
        return event
    }
}

/// The watches of a registry that are open, to be ended with it.
final class WatchFeeds: Sendable {
    private struct State {
        var running: [UInt64: Task<Void, Never>] = [:]
        var started: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Runs `feed` in a task of its own; `nil` when the registry was shut down, and the watch ends at once.
    func start(_ feed: WatchFeed) -> Task<Void, Never>? {
        state.withLock { state in
            guard !state.isClosed else {
                feed.mailbox.finish()
                return nil
            }
            let number = state.started
            state.started += 1
            let task = Task { [weak self] in
                await feed.run()
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
    func close() -> [Task<Void, Never>]? {
        let running = state.withLock { state -> [Task<Void, Never>]? in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            return Array(state.running.values)
        }
        for task in running ?? [] { task.cancel() }
        return running
    }
}
