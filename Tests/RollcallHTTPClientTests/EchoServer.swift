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
    private let asked: Asked

    /// What it was asked, in the order in which it came: the line of the request, then its headers in lower case.
    var received: [String] { asked.texts.withLock { $0 } }

    final class Asked: Sendable {
        let texts = Mutex<[String]>([])
    }

    static func start(status: HTTPResponseStatus) async throws -> EchoServer {
        let asked = Asked()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(EchoHandler(status, asked))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return EchoServer(channel, asked, port: channel.localAddress?.port ?? 0)
    }

    private init(_ channel: any Channel, _ asked: Asked, port: Int) {
        self.channel = channel
        self.asked = asked
        self.port = port
    }

    func stop() async throws { try await channel.close() }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let status: HTTPResponseStatus
    private let asked: EchoServer.Asked
    private var text = ""

    init(_ status: HTTPResponseStatus, _ asked: EchoServer.Asked) {
        self.status = status
        self.asked = asked
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            text = "\(head.method.rawValue) \(head.uri)\n"
            for (name, value) in head.headers { text += "\(name.lowercased()): \(value)\n" }
        case .body: break
        case .end:
            asked.texts.withLock { $0.append(text) }
            let headers = HTTPHeaders([("content-length", "\(text.utf8.count)")])
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
