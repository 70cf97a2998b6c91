// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1

/// Decides, on the event loop and at once, how a request is served.
protocol FastResponder: Sendable {
    /// Called with the head of a request, in order. Must not block.
    func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan

    /// Called when the body of a request planned as `.withBody` is complete. Must not block.
    ///
    /// - Returns: `nil` when the request cannot be answered at once after all: it goes to its ordinary route.
    func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer?

    /// How a request that `plan(for:on:)` has answered is answered when its very bytes come again: without being read
    /// and planned anew. Called on the event loop, and so is what it returns, which must not block.
    ///
    /// What it returns is kept for as long as the server runs, and called for any connection of the listener. It may
    /// hold what was read from the head, and has to look up at each call whatever may have changed. Only requests
    /// without a body whose connection goes on are offered, in HTTP/1.1 and never HEAD.
    ///
    /// - Returns: `nil` when it has to be planned each time.
    func repeated(_ head: HTTPRequestHead) -> RepeatedAnswer?
}

extension FastResponder {
    func repeated(_ head: HTTPRequestHead) -> RepeatedAnswer? { nil }
}

/// How a request is served.
enum RequestPlan {
    /// By a route, as ordinary asynchronous code, once the body is complete.
    case ordinary(bodyBytesMax: Int)
    /// By bytes that are ready. A body is not expected and may be this long to be skipped.
    case answer(FastAnswer)
    /// By `respond(to:body:on:)`, once the body is complete.
    case withBody(bytesMax: Int)
    /// By someone who keeps the connection for a while.
    case hold(any HeldRequest)
}

/// A complete answer, and whose latency it counts to.
struct FastAnswer {
    var response: PreparedResponse
    var route: RouteMetrics?
}
