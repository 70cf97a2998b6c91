// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOEmbedded
import NIOHTTP1
import Rollcall
import Synchronization
import Testing

@testable import RollcallServer

/// A connection of the server on a channel and a clock of the test's own.
struct TestConnection: Sendable {
    let channel: NIOAsyncTestingChannel
    let loop: NIOAsyncTestingEventLoop
    let socket: NIOLoopBound<SocketStandIn>

    /// - Parameter responder: What is behind the connection.
    init(
        _ responder: any FastResponder & OrdinaryResponder = PathResponder(), limits: HTTPLimits = HTTPLimits(),
        isRefused: Bool = false, factory: PrometheusFactory = PrometheusFactory(),
        on loop: NIOAsyncTestingEventLoop = NIOAsyncTestingEventLoop()
    ) async throws {
        let channel = NIOAsyncTestingChannel(loop: loop)
        let services = HTTPServices(
            limits: limits, fast: responder, ordinary: responder, metrics: ServerMetrics(factory: factory))
        socket = try await loop.executeInContext {
            let socket = SocketStandIn()
            try channel.pipeline.syncOperations.addHandler(socket)
            try channel.pipeline.syncOperations.addHTTPConnection(
                services: services, loop: LoopLocal(), isRefused: isRefused)
            return NIOLoopBound(socket, eventLoop: loop)
        }
        try await channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).get()
        self.channel = channel
        self.loop = loop
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeInbound(ByteBuffer(bytes: bytes))
        await loop.run()
    }

    /// Reads what the server sends until `count` answers are complete.
    ///
    /// - Parameter heads: Which of the answers are to HEAD requests.
    func answers(_ count: Int, heads: Set<Int> = []) async throws -> [WireAnswer] {
        var bytes: [UInt8] = []
        while true {
            let (answers, rest) = WireAnswer.read(bytes, heads: heads)
            if answers.count >= count {
                #expect(rest == 0, "\(rest) bytes follow the last answer")
                return answers
            }
            bytes += try await channel.waitForOutboundWrite(as: ByteBuffer.self).readableBytesView
        }
    }

    func answer() async throws -> WireAnswer { try await answers(1)[0] }

    /// All that was sent and not read yet.
    func sent() async throws -> String {
        var text = ""
        while let part = try await channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
        return text
    }

    func advance(by time: Duration) async { await loop.advanceTime(by: TimeAmount(time)) }

    /// The client closes its sending side.
    func endInput() async throws {
        try await loop.executeInContext {
            channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }
    }

    func quiesce() async throws {
        try await loop.executeInContext {
            channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        }
    }

    /// The socket takes nothing any more, or again.
    func setStuck(_ isStuck: Bool, isWritable: Bool) async throws {
        try await loop.executeInContext {
            socket.value.isStuck = isStuck
            channel.isWritable = isWritable
            if !isStuck { channel.flush() }
            channel.pipeline.fireChannelWritabilityChanged()
        }
    }

    /// The next write fills the socket.
    func fillAtNextWrite() async throws {
        try await loop.executeInContext {
            socket.value.isStuck = true
            socket.value.fillsAtWrite = true
        }
    }

    /// The client is gone, which is noticed at the next attempt to send something.
    func breakAtNextFlush() async throws {
        try await loop.executeInContext { socket.value.breaksAtFlush = true }
    }

    /// How many bytes the socket has not taken.
    var waitingBytes: Int { get async throws { try await channel.getOption(.bufferedWritableBytes).get() } }
    var isOpen: Bool { channel.isActive }
    var outputIsClosed: Bool { get async throws { try await loop.executeInContext { socket.value.outputIsClosed } } }
    func close() async {
        try? await channel.close().get()
        await loop.run()
    }
}

/// What a socket does and a test channel does not: it can be full, be closed for output alone, and break.
final class SocketStandIn: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    var isStuck = false
    var outputIsClosed = false
    var fillsAtWrite = false
    var breaksAtFlush = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        guard fillsAtWrite, let channel = context.channel as? NIOAsyncTestingChannel else { return }
        fillsAtWrite = false
        channel.isWritable = false
        context.fireChannelWritabilityChanged()
    }

    func flush(context: ChannelHandlerContext) {
        // A socket whose write fails is closed, and says so, before the call returns.
        if breaksAtFlush {
            context.close(promise: nil)
        } else if !isStuck {
            context.flush()
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output else {
            context.close(mode: mode, promise: promise)
            return
        }
        outputIsClosed = true
        promise?.succeed()
    }
}

/// An answer as a client reads it.
struct WireAnswer: Sendable, Hashable {
    var status = 0
    var headers: [String: String] = [:]
    var body = ""

    /// The complete answers in `bytes`, and how many bytes follow them.
    static func read(_ bytes: [UInt8], heads: Set<Int> = []) -> (answers: [WireAnswer], rest: Int) {
        var answers: [WireAnswer] = []
        var rest = bytes[...]
        while let answer = readOne(&rest, isHead: heads.contains(answers.count)) {
            // Not an answer of its own (RFC 9110 section 15.2).
            if answer.status != 100 { answers.append(answer) }
        }
        return (answers, rest.count)
    }

    private static func line(_ bytes: inout ArraySlice<UInt8>) -> String? {
        guard let end = bytes.firstIndex(of: 10), end > bytes.startIndex, bytes[end - 1] == 13 else { return nil }
        defer { bytes = bytes[(end + 1)...] }
        return String(decoding: bytes[..<(end - 1)], as: UTF8.self)
    }

    private static func readOne(_ input: inout ArraySlice<UInt8>, isHead: Bool) -> WireAnswer? {
        var bytes = input
        var answer = WireAnswer()
        guard let status = line(&bytes), status.hasPrefix("HTTP/1.1 ") else { return nil }
        answer.status = Int(status.dropFirst(9).prefix(3)) ?? 0
        while true {
            guard let field = line(&bytes) else { return nil }
            if field.isEmpty { break }
            let parts = field.split(separator: ":", maxSplits: 1)
            answer.headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        let hasNone = isHead || answer.status < 200 || answer.status == 204 || answer.status == 304
        if !hasNone, answer.headers["transfer-encoding"] == "chunked" {
            while true {
                guard let size = line(&bytes).flatMap({ Int($0, radix: 16) }), bytes.count >= size + 2 else { return nil }
                answer.body += String(decoding: bytes.prefix(size), as: UTF8.self)
                bytes = bytes.dropFirst(size + 2)
                if size == 0 { break }
            }
        } else if !hasNone {
            let length = answer.headers["content-length"].flatMap { Int($0) } ?? bytes.count
            guard bytes.count >= length else { return nil }
            answer.body = String(decoding: bytes.prefix(length), as: UTF8.self)
            bytes = bytes.dropFirst(length)
        }
        input = bytes
        return answer
    }
}
