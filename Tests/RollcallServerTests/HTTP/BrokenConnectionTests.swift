// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOEmbedded
import Rollcall
import Testing

@testable import RollcallServer

@Suite("Connections that break while something is sent", .timeLimit(.minutes(1)))
struct BrokenConnectionTests {
    private static func get(_ path: String) -> String { "GET /\(path) HTTP/1.1\r\nhost: x\r\n\r\n" }

    @Test(
        "end, and nothing goes on with them",
        arguments: [
            get("fast/1"), get("large/1"), get("large/1") + get("large/2"), get("fast/1") + get("large/1"),
            get("fast/1") + get("ordinary/1"), get("fast/1") + get("stream/1"), get("fast/1") + get("held/1"),
            get("ordinary/1"), get("chunks/1"), get("fails/1"), get("breaks/1"), get("nothing/1"), get("held/1"),
            get("stream/1"), get("ordinary/1") + get("fast/1"), "HEAD /stream/1 HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET /large/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "POST /body/1 HTTP/1.1\r\n\r\n",
            "POST /body/1 HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nab", "\u{1}\r\n\r\n",
        ])
    func end(requests: String) async throws {
        let factory = PrometheusFactory()
        let connection = try await TestConnection(factory: factory)
        try await connection.breakAtNextFlush()
        try await connection.send(requests)
        try await connection.channel.closeFuture.get()
        // Whoever is still at work on an answer learns that nobody takes it.
        await connection.advance(by: .seconds(3600))

        #expect(!connection.isOpen)
        #expect(try await connection.sent().isEmpty)
        #expect(factory.exposition().contains("rollcall_http_held_requests 0\n"))
    }
}
