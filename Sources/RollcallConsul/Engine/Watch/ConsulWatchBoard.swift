// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import Synchronization

/// Where the queries of one watch report, and where what they report is taken from to be told.
final class ConsulWatchBoard: Sendable {
    private struct Contents {
        var state: ConsulWatchState
        var wanted: Set<String> = []
        /// Queries that run, and whether they block.
        var running: [String: Bool] = [:]
    }

    private let contents: Mutex<Contents>
    private let signal: AsyncStream<Void>.Continuation
    /// Says that something was reported.
    let reports: AsyncStream<Void>
    private let blockingMax: Int

    init(_ state: ConsulWatchState, blockingMax: Int) {
        contents = Mutex(Contents(state: state))
        self.blockingMax = blockingMax
        (reports, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Sets what is followed.
    ///
    /// - Returns: The names for which a query is to be started, and whether it may block.
    func follow(_ names: Set<String>) -> [(name: String, isBlocking: Bool)] {
        defer { signal.yield() }
        return contents.withLock { contents in
            contents.state.follow(names)
            contents.wanted = names
            var blocking = contents.running.values.count { $0 }
            return names.filter { contents.running[$0] == nil }.sorted().map { name in
                let isBlocking = blocking < blockingMax
                if isBlocking { blocking += 1 }
                contents.running[name] = isBlocking
                return (name, isBlocking)
            }
        }
    }

    /// Whether the query of a name goes on; when it does not, another may be started later.
    func goesOn(_ name: String) -> Bool {
        contents.withLock { contents in
            if contents.wanted.contains(name) { return true }
            contents.running[name] = nil
            return false
        }
    }

    func report(_ body: (inout ConsulWatchState) -> Void) {
        contents.withLock { body(&$0.state) }
        signal.yield()
    }

    /// What is to be told now.
    func events(now: Instant) -> [WatchEvent] { contents.withLock { $0.state.events(now: now) } }
}
