// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOEmbedded
import Rollcall
import Testing

@testable import RollcallServer

@Suite("The limits of a connection", .timeLimit(.minutes(1)))
struct LimitTests {
    private static let ok = "GET /fast/1 HTTP/1.1\r\nhost: x\r\n\r\n"

    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var request: String
        var status: Int
        var reason: Rejection
    }

    static let refusals = [
        Refusal(testDescription: "garbage", request: "\u{1}\u{2}\r\n\r\n", status: 400, reason: .malformed),
        Refusal(testDescription: "no host", request: "GET /fast/1 HTTP/1.1\r\n\r\n", status: 400, reason: .badHost),
        Refusal(
            testDescription: "two hosts", request: "GET /fast/1 HTTP/1.1\r\nhost: a\r\nHost: b\r\n\r\n", status: 400,
            reason: .badHost),
        Refusal(
            testDescription: "two lengths",
            request: "POST /body/1 HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
            status: 400, reason: .malformed),
        Refusal(
            testDescription: "a length and chunks",
            request: "POST /body/1 HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            status: 400, reason: .malformed),
        Refusal(
            testDescription: "an unknown expectation",
            request: "POST /body/1 HTTP/1.1\r\nhost: a\r\nexpect: 200-maybe\r\ncontent-length: 1\r\n\r\n", status: 417,
            reason: .unknownExpectation),
        Refusal(
            testDescription: "a long field", request: "GET /fast/1 HTTP/1.1\r\nhost: a\r\nx: \(long(40_000))\r\n\r\n",
            status: 431, reason: .headTooLarge),
        Refusal(
            testDescription: "a long target", request: "GET /\(long(40_000)) HTTP/1.1\r\nhost: a\r\n\r\n",
            status: 431, reason: .headTooLarge),
        Refusal(
            testDescription: "many fields",
            request: "GET /fast/1 HTTP/1.1\r\nhost: a\r\n" + String(repeating: "a: b\r\n", count: 200) + "\r\n",
            status: 431, reason: .headTooLarge),
        Refusal(
            testDescription: "a long body", request: "POST /body/1 HTTP/1.1\r\nhost: a\r\ncontent-length: 101\r\n\r\n",
            status: 413, reason: .bodyTooLarge),
        Refusal(
            testDescription: "a long body in chunks",
            request: "POST /ordinary HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n65\r\n\(long(101))\r\n",
            status: 413, reason: .bodyTooLarge),
        Refusal(
            testDescription: "a later version", request: "GET /fast/1 HTTP/2.0\r\nhost: a\r\n\r\n", status: 505,
            reason: .unsupportedVersion),
        Refusal(
            testDescription: "CONNECT", request: "CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n", status: 400,
            reason: .malformed),
    ]

    private static func long(_ count: Int) -> String { String(repeating: "y", count: count) }

    @Test("are each told in a problem document, after the answers before, and end the connection", arguments: refusals)
    func refusal(_ refusal: Refusal) async throws {
        let factory = PrometheusFactory()
        let connection = try await TestConnection(factory: factory)
        try await connection.send(Self.ok + refusal.request)
        let answers = try await connection.answers(2)
        #expect(answers[0].body == "fast /fast/1")
        #expect(answers[1].status == refusal.status)
        #expect(answers[1].headers["content-type"] == "application/problem+json")
        #expect(answers[1].headers["connection"] == "close")
        let problem = try JSONValue.parse(Array(answers[1].body.utf8))
        #expect(problem["status"]?.intValue == Int64(refusal.status))
        #expect(problem["detail"]?.stringValue?.isEmpty == false)
        #expect(try await connection.outputIsClosed)
        let counted = "rollcall_http_rejections_total{reason=\"\(refusal.reason.rawValue)\"} 1\n"
        #expect(factory.exposition().contains(counted))
        // What the client is still sending is of no interest.
        try await connection.send(Self.ok)
        #expect(try await connection.sent() == "")
        await connection.advance(by: HTTPLimits().lingerTime)
        #expect(!connection.isOpen)
    }

    @Test("a body within its limit is let through, and asked for when the client waits for that")
    func expectation() async throws {
        let connection = try await TestConnection()
        let head = "POST /body/1 HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n"
        try await connection.send(head)
        #expect(try await connection.sent() == "HTTP/1.1 100 Continue\r\n\r\n")
        try await connection.send(Self.long(100))
        #expect(try await connection.answer().body == "body /body/1 \(Self.long(100))")
        let refused = "POST /body/1 HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 101\r\n\r\n"
        try await connection.send(refused)
        #expect(try await connection.sent().hasPrefix("HTTP/1.1 413 "))
        await connection.close()
    }

    @Test("a head that does not become complete in time is refused, however it drips")
    func slowHead() async throws {
        let connection = try await TestConnection()
        try await connection.send("GET /fast/1 HTTP/1.1\r\n")
        for _ in 0 ..< 9 {
            await connection.advance(by: .seconds(1))
            try await connection.send("a: b\r\n")
        }
        #expect(try await connection.sent() == "")
        await connection.advance(by: .seconds(1))
        #expect(try await connection.sent().hasPrefix("HTTP/1.1 408 "))
        await connection.advance(by: .seconds(2))
        #expect(!connection.isOpen)
    }

    @Test("a body that does not become complete in time is refused")
    func slowBody() async throws {
        let connection = try await TestConnection()
        try await connection.send("POST /body/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n")
        for _ in 0 ..< 29 {
            await connection.advance(by: .seconds(1))
            try await connection.send("b")
        }
        #expect(try await connection.sent() == "")
        await connection.advance(by: .seconds(1))
        #expect(try await connection.sent().hasPrefix("HTTP/1.1 408 "))
        await connection.close()
    }

    @Test("a connection that says nothing is closed without a word, before and after requests")
    func idle() async throws {
        let limits = HTTPLimits()
        let silent = try await TestConnection()
        await silent.advance(by: limits.idleTimeMax - .milliseconds(1))
        #expect(silent.isOpen)
        await silent.advance(by: .milliseconds(1))
        #expect(!silent.isOpen)

        let used = try await TestConnection()
        for _ in 0 ..< 3 {
            await used.advance(by: .seconds(70))
            try await used.send(Self.ok)
            #expect(try await used.answer().status == 200)
        }
        await used.advance(by: limits.idleTimeMax)
        #expect(!used.isOpen)
        #expect(try await used.sent() == "")
    }

    @Test("one connection too many is told so at once")
    func tooMany() async throws {
        let connection = try await TestConnection(isRefused: true)
        let answer = try await connection.answer()
        #expect(answer.status == 503)
        #expect(answer.headers["retry-after"] == "1")
        await connection.advance(by: .seconds(2))
        #expect(!connection.isOpen)
    }

    @Test(
        "a client that takes nothing is cut off, whether its answer is short, long or a stream",
        arguments: ["/fast/1", "/large", "/ordinary/1", "/stream"], [false, true])
    func stall(path: String, fillsSocket: Bool) async throws {
        let limits = HTTPLimits()
        let factory = PrometheusFactory()
        let connection = try await TestConnection(limits: limits, factory: factory)
        try await connection.setStuck(true, isWritable: true)
        try await connection.send("GET \(path) HTTP/1.1\r\nhost: x\r\n\r\n")
        if path == "/ordinary/1" {
            // Its answer comes from another thread.
            while try await connection.waitingBytes == 0 { await Task.yield() }
        }
        if fillsSocket { try await connection.setStuck(true, isWritable: false) }
        await connection.advance(by: limits.stallTimeMax - .milliseconds(1))
        #expect(connection.isOpen)
        await connection.advance(by: .milliseconds(1))
        #expect(!connection.isOpen)
        #expect(factory.exposition().contains("rollcall_http_stalled_readers_total 1\n"))
    }

    @Test("the last answer outlives the linger time while the client is taking it")
    func slowReader() async throws {
        let connection = try await TestConnection()
        try await connection.setStuck(true, isWritable: true)
        try await connection.send("GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        await connection.advance(by: .seconds(59))
        try await connection.setStuck(false, isWritable: true)
        #expect(try await connection.answer().body.utf8.count == 200_000)
        await connection.advance(by: .seconds(4))
        #expect(!connection.isOpen)
    }
}
