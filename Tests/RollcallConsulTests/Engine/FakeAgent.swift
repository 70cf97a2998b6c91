// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOHTTP1
import NIOPosix
import RollcallConsul
import Synchronization

/// The HTTP port of an agent of a ``FakeConsul``.
final class FakeAgent: Sendable {
    private let channel: any Channel
    private let connections: Connections

    fileprivate final class Connections: Sendable {
        let channels = Mutex<[any Channel]>([])
    }

    init(_ consul: FakeConsul, node: String = "n1") async throws {
        let connections = Connections()
        self.connections = connections
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    connections.channels.withLock { $0.append(child) }
                    try child.pipeline.syncOperations.configureHTTPServerPipeline()
                    try child.pipeline.syncOperations.addHandler(FakeAgentHandler(consul, node))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var address: ServerAddress { ServerAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0) }

    /// Closes the port and all connections.
    func stop() async {
        try? await channel.close()
        for channel in connections.channels.withLock({ $0 }) { try? await channel.close() }
    }
}

private final class FakeAgentHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let consul: FakeConsul
    private let node: String
    private var head: HTTPRequestHead?
    private var body = ""

    init(_ consul: FakeConsul, _ node: String) {
        self.consul = consul
        self.node = node
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ""
        case .body(let buffer): body += String(buffer: buffer)
        case .end:
            guard let head else { return }
            let request = FakeConsul.Request(head, body: body)
            let channel = context.channel
            Task { [consul, node] in
                let answer = await consul.answer(request, node: node)
                var headers = HTTPHeaders([("content-length", "\(answer.body.utf8.count)")])
                if let index = answer.index { headers.add(name: "X-Consul-Index", value: "\(index)") }
                let head = HTTPResponseHead(
                    version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
                channel.write(HTTPServerResponsePart.head(head), promise: nil)
                channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: answer.body))), promise: nil)
                channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension FakeConsul.Request {
    fileprivate init(_ head: HTTPRequestHead, body: String) {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        let path = parts[0].split(separator: "/").dropFirst().map { $0.percentDecoded }
        var query: [String: String] = [:]
        for pair in parts.count == 2 ? parts[1].split(separator: "&") : [] {
            let name = pair.prefix { $0 != "=" }
            query[String(name)] = pair.dropFirst(name.count + 1).percentDecoded
        }
        self.init(
            method: head.method.rawValue, path: path, query: query, body: body,
            token: head.headers.first(name: "x-consul-token"))
    }
}

extension Substring {
    fileprivate var percentDecoded: String {
        var bytes: [UInt8] = []
        var rest = utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            bytes.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
