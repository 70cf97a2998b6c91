// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOEmbedded
import NIOHTTP1
import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("Recognising requests by their bytes", .timeLimit(.minutes(2)))
struct RecognitionPropertyTests {
    /// Tells in the answer all that it was asked.
    private struct Echo: FastResponder {
        let remembers: Bool

        func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
            switch head.method {
            case .POST: .withBody(bytesMax: 1000)
            case .PATCH: .hold(Later(Self.answer(head)))
            default: .answer(Self.answer(head))
            }
        }

        func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? {
            Self.answer(head, String(buffer: body))
        }

        func repeated(_ head: HTTPRequestHead) -> RepeatedAnswer? {
            remembers ? { Self.answer(head) } : nil
        }

        private static func answer(_ head: HTTPRequestHead, _ body: String = "") -> FastAnswer {
            let fields = head.headers.map { "\($0)=\($1)" }.joined(separator: ",")
            let text = ByteBuffer(string: "\(head.method) \(head.uri) \(head.version) \(fields) \(body)")
            return FastAnswer(response: PreparedResponse(status: 200, headers: [], body: text), route: nil)
        }
    }

    private final class Later: HeldRequest {
        private let answer: FastAnswer

        init(_ answer: FastAnswer) {
            self.answer = answer
        }

        func begin(_ exchange: HeldExchange) {
            exchange.eventLoop.assumeIsolated().execute { [answer] in exchange.answer(answer) }
        }

        func becameWritable() {}
        func ended(_ reason: HeldExchange.End) {}
        func serverIsStopping() {}
    }

    private static let requests = [
        "GET /a HTTP/1.1\r\nhost: x\r\n\r\n", "GET /a HTTP/1.1\r\nhost: x\r\n\r\n", "GET /b HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /b?c HTTP/1.1\r\nhost: x\r\n\r\n", "GET /a HTTP/1.1\r\nhost: x\r\nif-none-match: \"1\"\r\n\r\n",
        "PUT /a HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", "HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n",
        "PATCH /a HTTP/1.1\r\nhost: x\r\n\r\n", "\r\nGET /a HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 29\r\n\r\nGET /a HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /p HTTP/1.1\r\nhost: x\r\ncontent-length: 31\r\n\r\n\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r",
        "POST /p HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ]
    /// They end the connection, or ought not to be sent.
    private static let rareRequests = [
        "GET /a HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", "GET /a HTTP/1.1\nhost: x\n\n", "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "GET /a HTTP/1.1\r\nhost: x\r\ny: 1\r\n 2\r\n\r\n",
        "GET /a HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        "CONNECT /a HTTP/1.1\r\nhost: x\r\n\r\n", "GET /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\r\n",
        "POST /p HTTP/1.1\r\nhost: x\ncontent-length: 35\n\nab\r\n\r\ncdGET /a HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /p HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nab",
    ]

    /// What a client sends: mostly requests as they are, some in pieces, together, or spoilt.
    private static func pieces(using random: inout SeededGenerator) -> [String] {
        var pieces: [String] = []
        var kept = ""
        for _ in 0 ..< 20 {
            let isRare = Int.random(in: 0 ..< 25, using: &random) == 0
            var bytes = Array(((isRare ? rareRequests : requests).randomElement(using: &random) ?? "").utf8)
            if Int.random(in: 0 ..< 40, using: &random) == 0 {
                bytes[Int.random(in: bytes.indices, using: &random)] = Array("\r\n :0a".utf8)[
                    Int.random(in: 0 ..< 6, using: &random)]
            }
            let text = String(decoding: bytes, as: UTF8.self)
            switch Int.random(in: 0 ..< 30, using: &random) {
            case 0: kept += text
            case 1:
                let cut = Int.random(in: 0 ... bytes.count, using: &random)
                pieces.append(kept + String(decoding: bytes[..<cut], as: UTF8.self))
                kept = String(decoding: bytes[cut...], as: UTF8.self)
            case 2:
                let cut = text.utf8.firstRange(of: "\r\n\r\n".utf8)?.upperBound ?? text.endIndex
                pieces += [kept + text[..<cut], String(text[cut...])]
                kept = ""
            default:
                pieces.append(kept + text)
                kept = ""
            }
        }
        return (pieces + [kept]).filter { !$0.isEmpty }
    }

    /// The status and body of all answers to each piece.
    private static func answers(to pieces: [String], _ responder: Echo, _ loop: LoopLocal) throws -> [String] {
        let channel = EmbeddedChannel()
        let services = HTTPServices(
            limits: HTTPLimits(), fast: responder, ordinary: PathResponder(),
            metrics: ServerMetrics(factory: PrometheusFactory()))
        try channel.pipeline.syncOperations.addHTTPConnection(services: services, loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        return try pieces.map { piece in
            // What is no HTTP is told by an answer.
            try? channel.writeInbound(ByteBuffer(string: piece))
            channel.embeddedEventLoop.run()
            var text = ""
            while let part = try channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: part) }
            return text.split(separator: "\r\n").filter { !$0.hasPrefix("date: ") }.joined(separator: "\n")
        }
    }

    @Test("changes no answer, whatever comes and however it comes", arguments: 0 ..< 50)
    func same(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        // Many connections, one after the other, with one memory.
        let (remembering, forgetting) = (LoopLocal(), LoopLocal())
        for _ in 0 ..< 40 {
            let pieces = Self.pieces(using: &random)
            let expected = try Self.answers(to: pieces, Echo(remembers: false), forgetting)
            let got = try Self.answers(to: pieces, Echo(remembers: true), remembering)
            #expect(got == expected, "seed \(seed)")
        }
    }
}
