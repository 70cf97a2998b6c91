// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOHTTP1
import NIOPosix
import RollcallRemote
import Synchronization

/// An HTTP server on a port of its own that answers as a test says.
final class ScriptedServer: Sendable {
    struct Request: Sendable {
        /// Counts the requests of the server, from 0.
        var number: Int
        var method: HTTPMethod
        var uri: String
        var headers: HTTPHeaders
        var body: String
    }

    enum Answer: Sendable {
        case reply(Int, String, type: String = "application/json", headers: [String: String] = [:])
        /// Nothing, for as long as the client waits.
        case silence
        /// The connection is closed, after so much of an answer.
        case cut(after: String = "")
        /// So much of an answer, and then nothing, for as long as the client waits.
        case stuck(after: String)
        /// A stream of events that begins so and stays open. ``ScriptedServer/nextStream()`` gives it to the test.
        case stream(String)
    }

    private let channel: any Channel
    private let received: Recorder
    private let streams: AsyncStream<ScriptedStream>

    final class Recorder: Sendable {
        let requests = Mutex<[Request]>([])
        let channels = Mutex<[any Channel]>([])
    }

    init(_ script: @escaping @Sendable (Request) -> Answer) async throws {
        let recorder = Recorder()
        let (streams, opened) = AsyncStream.makeStream(of: ScriptedStream.self)
        self.streams = streams
        received = recorder
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    recorder.channels.withLock { $0.append(child) }
                    try child.pipeline.syncOperations.configureHTTPServerPipeline()
                    try child.pipeline.syncOperations.addHandler(ScriptedHandler(recorder, script, opened))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var address: ServerAddress { ServerAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0) }

    /// The requests so far.
    var requests: [Request] { received.requests.withLock { $0 } }

    /// The next stream that was opened, waiting for it. For one task at a time.
    func nextStream() async -> ScriptedStream? {
        for await stream in streams { return stream }
        return nil
    }

    /// Closes the port and all connections.
    func stop() async throws {
        try? await channel.close()
        for channel in received.channels.withLock({ $0 }) { try? await channel.close() }
    }
}

/// A stream of events that a test writes.
struct ScriptedStream: Sendable {
    let request: ScriptedServer.Request
    fileprivate let channel: any Channel

    func send(_ text: String) async throws {
        try await channel.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: text))))
    }

    /// Closes the connection in the middle.
    func cut() async throws { try? await channel.close() }

    /// Returns when the client closed the connection.
    func closed() async throws { try await channel.closeFuture.get() }
}

private final class ScriptedHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let recorder: ScriptedServer.Recorder
    private let script: @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer
    private let opened: AsyncStream<ScriptedStream>.Continuation
    private var head: HTTPRequestHead?
    private var body = ""

    init(
        _ recorder: ScriptedServer.Recorder,
        _ script: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer,
        _ opened: AsyncStream<ScriptedStream>.Continuation
    ) {
        self.recorder = recorder
        self.script = script
        self.opened = opened
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = ""
        case .body(let buffer): body += String(buffer: buffer)
        case .end:
            guard let head else { return }
            let request = recorder.requests.withLock { requests in
                let request = ScriptedServer.Request(
                    number: requests.count, method: head.method, uri: head.uri, headers: head.headers, body: body)
                requests.append(request)
                return request
            }
            answer(script(request), to: request, context)
        }
    }

    private func answer(
        _ answer: ScriptedServer.Answer, to request: ScriptedServer.Request, _ context: ChannelHandlerContext
    ) {
        switch answer {
        case .silence: break
        case .reply(let status, let text, let type, let more):
            var headers = HTTPHeaders([("content-length", "\(text.utf8.count)"), ("content-type", type)])
            if status == 204 { headers = [:] }
            for (name, value) in more { headers.add(name: name, value: value) }
            write(status, headers, text, context)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .cut(let text):
            if !text.isEmpty { write(200, ["content-length": "100000"], text, context) }
            context.flush()
            context.close(promise: nil)
        case .stuck(let text):
            write(200, ["content-length": "100000"], text, context)
            context.flush()
        case .stream(let text):
            write(200, ["content-type": "text/event-stream", "transfer-encoding": "chunked"], text, context)
            context.flush()
            opened.yield(ScriptedStream(request: request, channel: context.channel))
        }
    }

    private func write(_ status: Int, _ headers: HTTPHeaders, _ text: String, _ context: ChannelHandlerContext) {
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !text.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }
    }

    /// The tests end connections in every way; what the other side says to that is of no interest.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

/// The address of a port where nothing listens.
func deadAddress() async throws -> ServerAddress {
    let server = try await ScriptedServer { _ in .silence }
    try await server.stop()
    return server.address
}
