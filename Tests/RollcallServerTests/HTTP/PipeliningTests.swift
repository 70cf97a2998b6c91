// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOEmbedded
import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("Requests on one connection", .timeLimit(.minutes(2)))
struct PipeliningTests {
    private struct Sent {
        var text: String
        var isHead: Bool
        var body: String
    }

    private static func request(_ number: Int, using random: inout SeededGenerator) -> Sent {
        let kind = ["fast", "fast", "body", "ordinary", "held"].randomElement(using: &random) ?? "fast"
        let path = "/\(kind)/\(number)"
        let isHead = kind != "body" && Int.random(in: 0 ..< 5, using: &random) == 0
        let sendsBody = kind == "body" || (kind == "ordinary" && Bool.random(using: &random))
        let body = sendsBody ? String(repeating: "b", count: Int.random(in: 1 ... 90, using: &random)) : ""
        var text = "\(isHead ? "HEAD" : "POST") \(path) HTTP/1.1\r\nhost: x\r\n"
        if sendsBody && Bool.random(using: &random) {
            let cut = Int.random(in: 0 ... body.utf8.count, using: &random)
            text += "transfer-encoding: chunked\r\n\r\n"
            for part in [body.prefix(cut), body.dropFirst(cut)] where !part.isEmpty {
                text += String(part.utf8.count, radix: 16) + "\r\n\(part)\r\n"
            }
            text += "0\r\n\r\n"
        } else {
            text += sendsBody ? "content-length: \(body.utf8.count)\r\n\r\n\(body)" : "\r\n"
        }
        return Sent(text: text, isHead: isHead, body: isHead ? "" : PathResponder.expected(path, body: body))
    }

    @Test("are answered in their order and each with its own answer, however the bytes arrive", arguments: 1 ... 25)
    func order(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let requests = (0 ..< 40).map { Self.request($0, using: &random) }
        let connection = try await TestConnection()
        var bytes = Array(requests.map(\.text).joined().utf8)[...]
        let longest = [1, 7, 100, 5000].randomElement(using: &random) ?? 1
        while !bytes.isEmpty {
            let part = bytes.prefix(Int.random(in: 1 ... longest, using: &random))
            bytes = bytes.dropFirst(part.count)
            try await connection.send(Array(part))
        }
        let heads = Set(requests.indices.filter { requests[$0].isHead })
        let answers = try await connection.answers(requests.count, heads: heads)
        #expect(answers.map(\.body) == requests.map(\.body), "seed \(seed)")
        #expect(answers.allSatisfy { $0.status == 200 }, "seed \(seed)")
        #expect(connection.isOpen)
        await connection.close()
    }

    @Test("wait while the client does not take the answers, and none is lost")
    func fullSocket() async throws {
        let connection = try await TestConnection()
        try await connection.setStuck(true, isWritable: false)
        for number in 0 ..< 5 { try await connection.send("GET /fast/\(number) HTTP/1.1\r\nhost: x\r\n\r\n") }
        #expect(try await connection.sent() == "")
        try await connection.setStuck(false, isWritable: true)
        #expect(try await connection.answers(5).map(\.body) == (0 ..< 5).map { "fast /fast/\($0)" })
        await connection.close()
    }

    @Test("HEAD is answered with the head that GET has")
    func head() async throws {
        let connection = try await TestConnection()
        for path in ["/fast/1", "/ordinary/1", "/held/1"] {
            try await connection.send("GET \(path) HTTP/1.1\r\nhost: x\r\n\r\n")
            let get = try await connection.answer()
            try await connection.send("HEAD \(path) HTTP/1.1\r\nhost: x\r\n\r\n")
            let head = try await connection.answers(1, heads: [0])[0]
            #expect(head.headers == get.headers)
            #expect(head.headers["content-length"] == "\(get.body.utf8.count)")
        }
        await connection.close()
    }

    @Test("of HTTP/1.0 end the connection unless it is to be kept", arguments: ["/fast/1", "/ordinary/1", "/held/1"])
    func version10(path: String) async throws {
        let connection = try await TestConnection()
        try await connection.send("GET \(path) HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        let kept = try await connection.answer()
        #expect(kept.headers["connection"] == "keep-alive")
        #expect(try await !connection.outputIsClosed)
        try await connection.send("GET \(path) HTTP/1.0\r\n\r\n")
        let last = try await connection.answer()
        #expect(last.headers["connection"] == "close")
        #expect(try await connection.outputIsClosed)
        await connection.close()
    }

    @Test(
        "with Connection: close are the last ones answered", arguments: ["/fast/1", "/ordinary/1", "/held/1", "/body/1"])
    func close(path: String) async throws {
        let connection = try await TestConnection()
        try await connection.send(
            "POST \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\nGET /fast/2 HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(try await connection.answer().headers["connection"] == "close")
        #expect(try await connection.outputIsClosed)
        try await connection.send("GET /fast/3 HTTP/1.1\r\nhost: x\r\n\r\n")
        #expect(try await connection.sent() == "")
        await connection.advance(by: .seconds(2))
        #expect(!connection.isOpen)
    }

    @Test("that offer another protocol are answered as they are, and are the last")
    func upgrade() async throws {
        let connection = try await TestConnection()
        try await connection.send(
            "GET /fast/1 HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        #expect(try await connection.answer().headers["connection"] == "close")
        await connection.close()
    }

    @Test("of a client that has stopped sending are answered, and then the connection ends")
    func halfClosure() async throws {
        let connection = try await TestConnection()
        try await connection.send(
            "GET /ordinary/1 HTTP/1.1\r\nhost: x\r\n\r\nGET /ordinary/2 HTTP/1.1\r\nhost: x\r\n\r\nGET /fa")
        try await connection.endInput()
        let answers = try await connection.answers(3)
        #expect(answers.map(\.status) == [200, 200, 400])
        #expect(answers[1].body == "ordinary /ordinary/2 ")
        try await connection.channel.closeFuture.get()
    }

    @Test("are answered in chunks when the length is not known, and as they are to HTTP/1.0")
    func chunks() async throws {
        let connection = try await TestConnection()
        try await connection.send("GET /chunks HTTP/1.1\r\nhost: x\r\n\r\n")
        let chunked = try await connection.answer()
        #expect(chunked.headers["transfer-encoding"] == "chunked")
        #expect(chunked.body == "<0><1><2>")
        try await connection.send("GET /chunks HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
        var text = ""
        while !text.hasSuffix("<2>") {
            text += String(buffer: try await connection.channel.waitForOutboundWrite())
        }
        #expect(!text.contains("transfer-encoding") && text.contains("connection: close\r\n"))
        await connection.close()
    }

    @Test("whose answer has no body get none, whatever the route says")
    func noContent() async throws {
        let connection = try await TestConnection()
        try await connection.send("GET /nothing HTTP/1.1\r\nhost: x\r\n\r\nGET /fast/1 HTTP/1.1\r\nhost: x\r\n\r\n")
        let answers = try await connection.answers(2)
        #expect(answers.map(\.status) == [204, 200])
        #expect(answers[0].headers["content-length"] == nil)
        await connection.close()
    }

    @Test("that a route fails at are answered with 500, or cut off in the middle")
    func failures() async throws {
        let connection = try await TestConnection()
        try await connection.send("GET /fails HTTP/1.1\r\nhost: x\r\n\r\n")
        let answer = try await connection.answer()
        #expect(answer.status == 500)
        #expect(answer.headers["connection"] == "close")
        let broken = try await TestConnection()
        try await broken.send("GET /breaks HTTP/1.1\r\nhost: x\r\n\r\n")
        try await broken.channel.closeFuture.get()
        #expect(try await !broken.sent().hasSuffix("0\r\n\r\n"))
        await connection.close()
    }
}
