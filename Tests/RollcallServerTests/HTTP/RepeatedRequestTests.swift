// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOEmbedded
import NIOHTTP1
import Rollcall
import RollcallTesting
import Synchronization
import Testing

@testable import RollcallServer

@Suite("Requests that come again", .timeLimit(.minutes(2)))
struct RepeatedRequestTests {
    /// Answers with the target and how often it was asked, and counts how often it had to plan.
    private final class Counting: FastResponder {
        struct Counts {
            var plans = 0
            var repetitions = 0
            var asked: [String: Int] = [:]
            var isClosed = false
        }

        let counts = Mutex(Counts())

        func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
            if head.method == .POST { return .withBody(bytesMax: 1000) }
            counts.withLock { $0.plans += 1 }
            return .answer(answer(head.uri))
        }

        func repeated(_ head: HTTPRequestHead) -> RepeatedAnswer? {
            if head.uri == "/never" { return nil }
            let uri = head.uri
            return { [self] in
                if counts.withLock({ $0.isClosed }) { return nil }
                counts.withLock { $0.repetitions += 1 }
                return answer(uri)
            }
        }

        func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? {
            answer(String(buffer: body))
        }

        /// Makes an answer that is sent without waiting for others.
        static let padding = String(repeating: "p", count: 70_000)

        private func answer(_ text: String) -> FastAnswer {
            let count = counts.withLock { counts in
                counts.asked[text, default: 0] += 1
                return counts.asked[text, default: 0]
            }
            let body = ByteBuffer(string: "\(text) \(count)\(text == "/large" ? Self.padding : "")")
            return FastAnswer(response: PreparedResponse(status: 200, headers: [], body: body), route: nil)
        }
    }

    private static func connection(
        _ responder: Counting, loop: LoopLocal = LoopLocal()
    ) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        let services = HTTPServices(
            limits: HTTPLimits(), fast: responder, ordinary: PathResponder(),
            metrics: ServerMetrics(factory: PrometheusFactory()))
        try channel.pipeline.syncOperations.addHTTPConnection(services: services, loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private static func bodies(_ channel: EmbeddedChannel) throws -> [String] {
        var bytes: [UInt8] = []
        while let part = try channel.readOutbound(as: ByteBuffer.self) { bytes += part.readableBytesView }
        let (answers, rest) = WireAnswer.read(bytes)
        #expect(rest == 0)
        return answers.map(\.body)
    }

    private static func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nhost: x\r\n\(fields)\r\n"
    }

    @Test("are planned twice, and then recognised by their bytes")
    func recognised() throws {
        let responder = Counting()
        let channel = try Self.connection(responder)
        for number in 1 ... 10 {
            try channel.writeInbound(ByteBuffer(string: Self.get("/a")))
            #expect(try Self.bodies(channel) == ["/a \(number)"])
        }
        #expect(responder.counts.withLock { $0.plans } == 2)
        #expect(responder.counts.withLock { $0.repetitions } == 8)
    }

    @Test(
        "are planned each time where the answer says something about the connection, or the responder wants it",
        arguments: [
            get("/a", "connection: close\r\n"), get("/a", "upgrade: h2c\r\n"), get("/a", "content-length: 1\r\n") + "x",
            "HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n", "GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", get("/never"),
            get("/a", "x: \(String(repeating: "y", count: 1024))\r\n"), get("/a") + get("/a"),
        ])
    func notRecognised(request: String) throws {
        let responder = Counting()
        // Each on a connection of its own, but on one loop and so with one memory.
        let loop = LoopLocal()
        for _ in 0 ..< 5 {
            let channel = try Self.connection(responder, loop: loop)
            try channel.writeInbound(ByteBuffer(string: request))
        }
        #expect(responder.counts.withLock { $0.plans } >= 5)
        #expect(responder.counts.withLock { $0.repetitions } == 0)
    }

    @Test("go the long way when their answer cannot be repeated any more")
    func withdrawn() throws {
        let responder = Counting()
        let channel = try Self.connection(responder)
        for _ in 0 ..< 3 { try channel.writeInbound(ByteBuffer(string: Self.get("/a"))) }
        responder.counts.withLock { $0.isClosed = true }
        try channel.writeInbound(ByteBuffer(string: Self.get("/a")))
        #expect(try Self.bodies(channel) == ["/a 1", "/a 2", "/a 3", "/a 4"])
        #expect(responder.counts.withLock { $0.plans } == 3)
    }

    @Test("that are the rest of another one, or its body, are not taken for themselves")
    func disguised() throws {
        let responder = Counting()
        let channel = try Self.connection(responder)
        let known = Self.get("/a")
        for _ in 0 ..< 3 { try channel.writeInbound(ByteBuffer(string: known)) }
        _ = try Self.bodies(channel)

        // As a body, in a chunk of its own.
        try channel.writeInbound(
            ByteBuffer(string: "POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: \(known.utf8.count)\r\n\r\n"))
        try channel.writeInbound(ByteBuffer(string: known))
        #expect(try Self.bodies(channel) == ["\(known) 1"])
        // The body was complete: the next one is itself again.
        try channel.writeInbound(ByteBuffer(string: known))
        #expect(try Self.bodies(channel) == ["/a 4"])
        #expect(responder.counts.withLock { $0.repetitions } == 2)

        // As the continuation of a header field of a request that has begun behind a complete one.
        try channel.writeInbound(ByteBuffer(string: Self.get("/b") + "GET /c HTTP/1.1\r\nx: "))
        try channel.writeInbound(ByteBuffer(string: known))
        #expect(try Self.bodies(channel) == ["/b 1", "/c 1"])
    }

    @Test("are answered like all others, however the bytes come", arguments: 0 ..< 200)
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let responder = Counting()
        let channel = try Self.connection(responder)
        var asked: [String: Int] = [:]
        var expected: [String] = []
        var bytes = ""
        func flush() throws {
            guard !bytes.isEmpty else { return }
            try channel.writeInbound(ByteBuffer(string: bytes))
            bytes = ""
        }
        for _ in 0 ..< 60 {
            let body =
                Int.random(in: 0 ..< 6, using: &random) == 0
                ? Self.get("/a") : "/\(Int.random(in: 0 ..< 3, using: &random))"
            let isPost = body.utf8.count > 2
            let text =
                isPost
                ? "POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)" : Self.get(body)
            asked[body, default: 0] += 1
            expected.append("\(body) \(asked[body, default: 0])")
            // Mostly whole, as clients send it; some in two pieces, some together with the next.
            switch Int.random(in: 0 ..< 40, using: &random) {
            case 0:
                let cut = Int.random(in: 1 ..< text.count, using: &random)
                bytes += text.prefix(cut)
                try flush()
                bytes += text.dropFirst(cut)
                try flush()
            case 1: bytes += text
            case 2 where isPost:
                bytes += text.dropLast(body.count)
                try flush()
                bytes += body
                try flush()
            default:
                bytes += text
                try flush()
            }
        }
        try flush()
        #expect(try Self.bodies(channel) == expected, "seed \(seed)")
    }

    @Test("are answered in their order when a large answer is sent while more is read", arguments: [3, 4])
    func reentrant(number: Int) throws {
        let responder = Counting()
        let channel = EmbeddedChannel()
        let reader = ReaderAtFlush()
        try channel.pipeline.syncOperations.addHandler(reader)
        let services = HTTPServices(
            limits: HTTPLimits(), fast: responder, ordinary: PathResponder(),
            metrics: ServerMetrics(factory: PrometheusFactory()))
        try channel.pipeline.syncOperations.addHTTPConnection(services: services, loop: LoopLocal())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        var expected: [String] = []
        for round in 1 ... 5 {
            expected.append("/large \(round)\(Counting.padding)")
            if round == number {
                // A write that fails makes the socket read what is still there, and then it is closed.
                reader.next = ["/a", "/b", "/large"].map { ByteBuffer(string: Self.get($0)) }
                expected += ["/a 1", "/b 1", "/large \(round + 1)\(Counting.padding)"]
            }
            try channel.writeInbound(ByteBuffer(string: Self.get("/large")))
            if round == number { break }
        }
        #expect(try Self.bodies(channel) == expected)
        #expect(!channel.isActive)
    }

    /// A socket that reads before a flush returns, and then is closed.
    private final class ReaderAtFlush: ChannelDuplexHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundIn = ByteBuffer
        var next: [ByteBuffer] = []

        func flush(context: ChannelHandlerContext) {
            context.flush()
            guard !next.isEmpty else { return }
            let parts = next
            next = []
            for part in parts { context.fireChannelRead(wrapInboundOut(part)) }
            context.fireChannelReadComplete()
            context.close(promise: nil)
        }

        typealias InboundOut = ByteBuffer
    }

    @Test("on the native API are answered with what is so now")
    func nativeAPI() async throws {
        try await RunningServer.run { (server) async throws in
            let path = "/api/v1/services/web"
            let heartbeat = "\(path)/instances/a/heartbeat"
            for round in 0 ..< 8 {
                let registered = try await server.request(
                    "PUT", "\(path)/instances/a", #"{"host": "h", "port": \#(1000 + round)}"#)
                #expect(registered.status < 300)
                let read = try await server.request("GET", path)
                #expect(read.json["instances"]?[0]?["port"]?.intValue == Int64(1000 + round), "round \(round)")
                let healthy = try await server.request("GET", "\(path)?healthy=true")
                #expect(healthy.json["instances"]?[0]?["port"]?.intValue == Int64(1000 + round), "round \(round)")
                let tag = read.headers["etag"] ?? ""
                let same = try await server.request("GET", path, headers: ["if-none-match": tag])
                #expect(same.status == 304)
                let other = try await server.request("GET", path, headers: ["if-none-match": "\"0\""])
                #expect(other.status == 200)
                #expect(try await server.request("PUT", heartbeat).status == 204)
                #expect(try await server.request("DELETE", "\(path)/instances/a").status < 300)
                #expect(try await server.request("PUT", heartbeat).status == 404)
                #expect(try await server.request("GET", path).json["instances"] == .array([]))
            }
        }
    }
}
