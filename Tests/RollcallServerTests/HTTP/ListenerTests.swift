// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import NIOCore
import NIOPosix
import Rollcall
import ServiceLifecycle
import Testing

@testable import RollcallServer

@Suite("The listener", .timeLimit(.minutes(1)))
struct ListenerTests {
    /// Runs `body` against a listener on a free port, and then stops it in order.
    ///
    /// - Parameter body: Is given the port and what stops the listener, if it wants that to happen earlier.
    private static func serve(
        _ limits: HTTPLimits = HTTPLimits(), _ factory: PrometheusFactory = PrometheusFactory(),
        _ responder: PathResponder = PathResponder(),
        _ body: @escaping @Sendable (Int, @escaping @Sendable () async -> Void) async throws -> Void
    ) async throws {
        let (ports, sink) = AsyncStream.makeStream(of: Int.self)
        let services = HTTPServices(
            limits: limits, fast: responder, ordinary: responder, metrics: ServerMetrics(factory: factory))
        let listener = HTTPListener(
            configuration: HTTPServerConfiguration(port: 0), group: .singletonMultiThreadedEventLoopGroup,
            services: services
        ) { sink.yield($0.port ?? 0) }
        let group = ServiceGroup(services: [listener], logger: .init(label: "test"))
        async let running: Void = group.run()
        var iterator = ports.makeAsyncIterator()
        let port = await iterator.next() ?? 0
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(port) { await group.triggerGracefulShutdown() })
        } catch {
            result = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await running
        try result.get()
    }

    @Test("answers over a real socket, also to a client that stops sending first")
    func sockets() async throws {
        try await Self.serve { port, _ in
            let text = try await RawConnection.exchange(
                "GET /ordinary/1 HTTP/1.1\r\nhost: x\r\n\r\nGET /fast/2 HTTP/1.1\r\nhost: x\r\n\r\n", port: port)
            let (answers, rest) = WireAnswer.read(Array(text.utf8))
            #expect(answers.map(\.body) == ["ordinary /ordinary/1 ", "fast /fast/2"])
            #expect(rest == 0)
        }
    }

    @Test("tells one connection too many so, and serves the next when there is room")
    func tooMany() async throws {
        var limits = HTTPLimits()
        limits.connectionCountMax = 1
        let factory = PrometheusFactory()
        try await Self.serve(limits, factory) { port, _ in
            let first = try await SocketClient(port: port)
            try await first.send("GET /fast/1 HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(try await first.answer().status == 200)
            let second = try await SocketClient(port: port)
            let refused = try await second.answer()
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] == "1")
            try await second.close()
            try await first.close()
            // The server notices the end of the others in its own time.
            var status: Int?
            while status != 200 {
                status = try await RawConnection.status("GET /fast/1 HTTP/1.1\r\nhost: x\r\n\r\n", port: port)
            }
        }
        #expect(factory.exposition().contains("rollcall_http_connections_open 0\n"))
    }

    @Test("cuts a client off that takes nothing of a stream")
    func stall() async throws {
        var limits = HTTPLimits()
        limits.stallTimeMax = .milliseconds(200)
        let factory = PrometheusFactory()
        let (ends, sink) = AsyncStream.makeStream(of: HeldExchange.End.self)
        let responder = PathResponder { sink.yield($0) }
        try await Self.serve(limits, factory, responder) { port, _ in
            let client = try await SocketClient(port: port, reads: false)
            try await client.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
            var iterator = ends.makeAsyncIterator()
            #expect(await iterator.next() == .stalled)
            try await client.close()
        }
        #expect(factory.exposition().contains("rollcall_http_stalled_readers_total 1\n"))
        #expect(factory.exposition().contains("rollcall_http_held_requests 0\n"))
    }

    @Test("stops in order: what is idle ends at once, a stream is asked to end, a large answer is completed")
    func shutdown() async throws {
        try await Self.serve { port, stop in
            let idle = try await SocketClient(port: port)
            try await idle.send("GET /fast/1 HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(try await idle.answer().status == 200)
            let streaming = try await SocketClient(port: port, reads: false)
            try await streaming.send("GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
            _ = await streaming.firstPart()
            let large = try await SocketClient(port: port, reads: false)
            let count = 40
            for _ in 0 ..< count { try await large.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n") }
            let first = await large.firstPart()
            await stop()
            #expect(await idle.rest() == "")
            try await large.startReading()
            let (answers, rest) = WireAnswer.read(first + Array(await large.rest().utf8))
            #expect(answers.count >= 1 && rest == 0)
            #expect(answers.allSatisfy { $0.body.utf8.count == 200_000 })
            try await streaming.startReading()
            #expect(await streaming.rest().hasSuffix("3\r\nend\r\n0\r\n\r\n"))
        }
    }

    @Test("says what it could not listen on")
    func occupied() async throws {
        try await Self.serve { port, _ in
            let responder = PathResponder()
            let services = HTTPServices(
                limits: HTTPLimits(), fast: responder, ordinary: responder,
                metrics: ServerMetrics(factory: PrometheusFactory()))
            let second = HTTPListener(
                configuration: HTTPServerConfiguration(port: port), group: .singletonMultiThreadedEventLoopGroup,
                services: services)
            let error = await #expect(throws: HTTPListenerError.self) { try await second.run() }
            #expect(error?.description == "port \(port) on 127.0.0.1 is in use by another process")
        }
    }
}

/// A client whose reading a test controls.
private struct SocketClient: Sendable {
    private let channel: any Channel
    private let parts: AsyncStream<[UInt8]>

    init(port: Int, reads: Bool = true) async throws {
        let (parts, sink) = AsyncStream.makeStream(of: [UInt8].self)
        self.parts = parts
        channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.autoRead, value: reads)
            .channelOption(.socketOption(.so_rcvbuf), value: 16 * 1024)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ByteSink(sink))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)).get() }

    func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Takes one part, though the client does not read by itself.
    func firstPart() async -> [UInt8] {
        channel.read()
        for await part in parts { return part }
        return []
    }

    func answer() async throws -> WireAnswer {
        var bytes: [UInt8] = []
        for await part in parts {
            bytes += part
            if let answer = WireAnswer.read(bytes).answers.first { return answer }
        }
        return WireAnswer()
    }

    /// What comes until the server closes.
    func rest() async -> String {
        var bytes: [UInt8] = []
        for await part in parts { bytes += part }
        return String(decoding: bytes, as: UTF8.self)
    }

    func close() async throws { try? await channel.close().get() }
}

private final class ByteSink: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let sink: AsyncStream<[UInt8]>.Continuation

    init(_ sink: AsyncStream<[UInt8]>.Continuation) {
        self.sink = sink
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        sink.yield(Array(Self.unwrapInboundIn(data).readableBytesView))
    }

    func channelInactive(context: ChannelHandlerContext) { sink.finish() }
}
