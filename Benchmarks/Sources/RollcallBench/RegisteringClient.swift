// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOHTTP1
import NIOPosix

/// Registers one instance again and again over one connection, and waits for each answer.
struct RegisteringClient: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<AnswerHandler>

    static func connect(_ loop: any EventLoop, port: Int) async throws -> RegisteringClient {
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.pipeline.addHTTPClientHandlers().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(AnswerHandler())
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let handler = try await loop.submit {
            NIOLoopBound(try channel.pipeline.syncOperations.handler(type: AnswerHandler.self), eventLoop: loop)
        }.get()
        return RegisteringClient(channel: channel, handler: handler)
    }

    /// - Parameters:
    ///   - port: The port that the instance claims to listen on: what makes a registration a change.
    ///   - filler: A value in its metadata.
    func register(port: Int, filler: String) async throws {
        let body = #"{"host":"10.0.0.1","port":\#(port),"metadata":{"filler":"\#(filler)"},"lease":{"kind":"none"}}"#
        try await channel.eventLoop.flatSubmit {
            let head = HTTPRequestHead(
                version: .http1_1, method: .PUT, uri: "/api/v1/services/watched/instances/1",
                headers: ["host": "localhost", "content-length": "\(body.utf8.count)"])
            let answered = channel.eventLoop.makePromise(of: Void.self)
            handler.value.answered = answered
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: body))), promise: nil)
            channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            return answered.futureResult
        }.get()
    }
}

/// Completes a promise when a good answer has arrived.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    struct Refused: Error, CustomStringConvertible {
        let description: String
    }

    var answered: EventLoopPromise<Void>?
    private var status = HTTPResponseStatus.ok

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): status = head.status
        case .body: break
        case .end:
            if status.code < 300 {
                answered?.succeed()
            } else {
                answered?.fail(Refused(description: "a registration was answered \(status)"))
            }
            answered = nil
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answered?.fail(Refused(description: "the server closed the connection of the registrations"))
        answered = nil
    }
}
