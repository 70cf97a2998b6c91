// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore

/// Someone who answers a request in his own time, from the connection's event loop: an event stream, a parked poll.
///
/// Every call comes on that loop.
protocol HeldRequest: AnyObject {
    /// The request is complete and all earlier ones are answered.
    func begin(_ exchange: HeldExchange)
    /// The client has taken enough of what was written; write more. Called only after `isWritable` was false.
    func becameWritable()
    /// The client is gone, or was cut off. The exchange takes nothing any more.
    func ended(_ reason: HeldExchange.End)
    /// The server stops: say what is to be said and finish the exchange soon.
    func serverIsStopping()
}

/// The right to answer one request, piece by piece or at once. Bound to the connection's event loop.
final class HeldExchange {
    enum End: Hashable, Sendable {
        /// The client closed the connection.
        case clientClosed
        /// The client took no byte for too long.
        case stalled
        /// The server stops and could not wait any longer.
        case serverStopped
    }

    enum State: Hashable, Sendable {
        case waiting, open, ended
    }

    let eventLoop: any EventLoop
    private(set) var state = State.waiting
    /// Cleared at the end, so that connection and exchange do not keep each other alive.
    private var connection: HTTPConnectionHandler?

    init(connection: HTTPConnectionHandler, eventLoop: any EventLoop) {
        self.connection = connection
        self.eventLoop = eventLoop
    }

    /// Whether the client keeps up. Writing more is possible but piles up in memory.
    var isWritable: Bool { connection?.isWritable ?? false }

    /// Gives one complete answer.
    func answer(_ answer: FastAnswer) {
        guard state == .waiting, let connection = detach() else { return }
        connection.heldAnswer(answer)
    }

    /// Starts an answer of unknown length.
    ///
    /// - Parameter route: What the time to this start counts to.
    func open(_ head: PreparedResponse, route: RouteMetrics? = nil) {
        guard state == .waiting else { return }
        state = .open
        connection?.heldOpen(head, route: route)
    }

    /// Sends a piece of the answer now.
    func write(_ chunk: StreamChunk) {
        guard state == .open else { return }
        connection?.heldWrite(chunk)
    }

    /// Ends the answer.
    func finish() {
        guard state == .open, let connection = detach() else { return }
        connection.heldFinish()
    }

    /// Makes the exchange inert.
    @discardableResult
    func detach() -> HTTPConnectionHandler? {
        state = .ended
        defer { connection = nil }
        return connection
    }
}
