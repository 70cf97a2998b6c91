// SPDX-License-Identifier: Apache-2.0
// Rollcall

import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import Rollcall

@testable import RollcallServer

/// Serves a request in the way that the first part of its path says, and tells the whole target in the answer.
struct PathResponder: FastResponder, OrdinaryResponder {
    static let bodyBytesMax = 100
    /// Told why a stream ended.
    var streamEnded: @Sendable (HeldExchange.End) -> Void = { _ in }

    func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
        switch head.uri.split(separator: "/").first {
        case "fast": .answer(Self.answer("fast \(head.uri)"))
        case "large": .answer(Self.answer(String(repeating: "x", count: 200_000)))
        case "body": .withBody(bytesMax: Self.bodyBytesMax)
        case "held": .hold(LaterAnswer("held \(head.uri)"))
        case "stream": .hold(LongStream(streamEnded))
        default: .ordinary(bodyBytesMax: Self.bodyBytesMax)
        }
    }

    func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? {
        // Every third of them goes to its route after all.
        if head.uri.hasSuffix("3") { return nil }
        return Self.answer("body \(head.uri) \(String(buffer: body))")
    }

    func respond(to request: Request, channel: any Channel) async throws -> Response {
        let path = request.head.path ?? ""
        switch path.split(separator: "/").first {
        case "fails": throw CancellationError()
        case "nothing":
            return Response(status: .noContent, body: ResponseBody(byteBuffer: ByteBuffer(string: "not to be sent")))
        case "chunks":
            return Response(
                status: .ok,
                body: ResponseBody { writer in
                    for number in 0 ..< 3 { try await writer.write(ByteBuffer(string: "<\(number)>")) }
                    try await writer.finish(nil)
                })
        case "breaks":
            return Response(
                status: .ok,
                body: ResponseBody { writer in
                    for number in 0 ..< 3 { try await writer.write(ByteBuffer(string: "<\(number)>")) }
                    throw CancellationError()
                })
        default:
            let body = try await request.body.collect(upTo: 1000)
            // A client that has only stopped sending is still there.
            let state = Task.isCancelled ? "cancelled" : "ordinary"
            return Response(
                status: .ok,
                body: ResponseBody(byteBuffer: ByteBuffer(string: "\(state) \(path) \(String(buffer: body))")))
        }
    }

    private static func answer(_ text: String) -> FastAnswer {
        FastAnswer(
            response: PreparedResponse(
                status: 200, headers: [("content-type", "text/plain")], body: ByteBuffer(string: text)), route: nil)
    }

    /// The body that answers a request.
    static func expected(_ path: String, body: String) -> String {
        switch path.split(separator: "/").first {
        case "fast": "fast \(path)"
        case "held": "held \(path)"
        case "body" where !path.hasSuffix("3"): "body \(path) \(body)"
        default: "ordinary \(path) \(body)"
        }
    }
}

/// Answers in a later turn of the loop.
private final class LaterAnswer: HeldRequest {
    private let text: String

    init(_ text: String) {
        self.text = text
    }

    func begin(_ exchange: HeldExchange) {
        let answer = FastAnswer(
            response: PreparedResponse(status: 200, headers: [], body: ByteBuffer(string: text)), route: nil)
        exchange.eventLoop.assumeIsolated().execute { exchange.answer(answer) }
    }

    func becameWritable() {}
    func ended(_ reason: HeldExchange.End) {}
    func serverIsStopping() {}
}

/// Sends pieces as long as there is room: more than any socket takes.
private final class LongStream: HeldRequest {
    private let onEnd: @Sendable (HeldExchange.End) -> Void
    private var exchange: HeldExchange?
    private var left = 400
    private static let piece = StreamChunk(ByteBuffer(string: String(repeating: "s", count: 64_000)))

    init(_ onEnd: @escaping @Sendable (HeldExchange.End) -> Void) {
        self.onEnd = onEnd
    }

    func begin(_ exchange: HeldExchange) {
        self.exchange = exchange
        exchange.open(PreparedResponse.streamHead(status: 200, headers: []))
        becameWritable()
    }

    func becameWritable() {
        while left > 0, let exchange, exchange.isWritable {
            left -= 1
            exchange.write(Self.piece)
        }
    }

    func ended(_ reason: HeldExchange.End) {
        exchange = nil
        onEnd(reason)
    }

    func serverIsStopping() {
        exchange?.write(StreamChunk(ByteBuffer(string: "end")))
        exchange?.finish()
    }
}
