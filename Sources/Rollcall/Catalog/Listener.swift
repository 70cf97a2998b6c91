// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Logging

/// A callback that is told what happens to a scope, until it is cancelled or released.
///
/// Each listener has a watch and a task of its own: one that throws, blocks or is slow disturbs no other. An error that
/// it throws is logged, and the listener goes on with the next event.
public final class Listener: Sendable {
    private let task: Task<Void, Never>

    fileprivate init(_ watch: Watch, name: String, logger: Logger, _ body: @escaping Body) {
        task = Task {
            for await event in watch {
                do {
                    try await body(event)
                } catch {
                    logger.warning("listener failed", metadata: ["listener": "\(name)", "error": "\(error)"])
                }
            }
        }
    }

    /// What a listener does with an event; the next one waits until it has returned.
    public typealias Body = @Sendable (WatchEvent) async throws -> Void

    /// Ends the listener; an event that it is busy with is finished.
    public func cancel() { task.cancel() }

    deinit { task.cancel() }
}

extension Discovery {
    /// Calls `body` with a snapshot of `scope` and then with each thing that happens to it.
    ///
    /// - Parameters:
    ///   - name: Names the listener in the log.
    ///   - logger: Where an error that `body` throws is logged.
    /// - Returns: The listener; it ends when it is released.
    public func listen(
        to scope: WatchScope, from revision: Revision? = nil, name: String = "listener",
        logger: Logger = Logger(label: "rollcall.listener"), _ body: @escaping Listener.Body
    ) -> Listener {
        Listener(watch(scope, from: revision), name: name, logger: logger, body)
    }
}
