// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server that answers each request with one status and what it was asked.
final class EchoServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let count: Counted

    /// How many requests came.
    var requests: Int { count.value.load(ordering: .relaxed) }

    final class Counted: Sendable {
        let value = Atomic(0)
    }

    static func start(status: HTTPResponseStatus) async throws -> EchoServer {
        let count = Counted()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(EchoHandler(status, count))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return EchoServer(channel, count, port: channel.localAddress?.port ?? 0)
    }

    private init(_ channel: any Channel, _ count: Counted, port: Int) {
        self.channel = channel
        self.count = count
        self.port = port
    }

    func stop() async throws { try await channel.close() }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let status: HTTPResponseStatus
    private let count: EchoServer.Counted
    private var text = ""

    init(_ status: HTTPResponseStatus, _ count: EchoServer.Counted) {
        self.status = status
        self.count = count
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            count.value.wrappingAdd(1, ordering: .relaxed)
            text = "\(head.method.rawValue) \(head.uri)\n"
            for (name, value) in head.headers { text += "\(name.lowercased()): \(value)\n" }
        case .body: break
        case .end:
            let headers = HTTPHeaders([("content-length", "\(text.utf8.count)")])
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
