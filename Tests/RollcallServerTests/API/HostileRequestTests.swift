// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("A server under hostile requests", .timeLimit(.minutes(5)))
struct HostileRequestTests {
    @Test("text that is not UTF-8, or badly escaped, is refused wherever it stands")
    func encodings() async throws {
        try await RunningServer.run { (server) async throws in
            func status(_ line: String, body: [UInt8] = []) async throws -> Int? {
                let head = "\(line) HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: \(body.count)\r\n\r\n"
                return RawConnection.status(
                    of: try await RawConnection.exchange(Array(head.utf8) + body, port: server.port))
            }
            let invalid = Array(#"{"host": "h"#.utf8) + [0xFF] + Array(#"", "port": 1}"#.utf8)
            let found: [Int?] = [
                try await status("PUT /api/v1/services/web/instances/%FF", body: Array("{}".utf8)),
                try await status("PUT /api/v1/services/web/instances/%G0", body: Array("{}".utf8)),
                try await status("PUT /api/v1/services/web/instances/%FF/heartbeat"),
                try await status("GET /api/v1/services/%C3"),
                try await status("GET /api/v1/services/web?zone=%GG"),
                try await status("GET /api/v1/watch?service=%C3%28"),
                try await status("PUT /api/v1/services/web/instances/a", body: invalid),
            ]
            #expect(found == [400, 400, 400, 400, 400, 400, 400])
        }
    }

    @Test(
        "garbage, truncated and oversized requests are answered or cut off, and the server lives", arguments: [1, 2, 3])
    func fuzz(seed: UInt64) async throws {
        try await RunningServer.run { (server) async throws in
            _ = try await server.request("PUT", "/api/v1/services/web/instances/web-1", #"{"host": "h", "port": 1}"#)
            var random = SeededGenerator(seed: seed)
            let allowed: Set<Int> = [
                200, 201, 204, 304, 400, 404, 405, 408, 409, 411, 413, 414, 415, 417, 422, 431, 501, 503, 505,
            ]
            for round in 0 ..< 500 {
                let request = Self.request(using: &random)
                let reply = try await RawConnection.exchange(request, port: server.port)
                guard !reply.isEmpty else { continue }
                let status = RawConnection.status(of: reply)
                #expect(
                    status.map(allowed.contains) == true,
                    "seed \(seed), round \(round): \(String(decoding: request.prefix(300), as: UTF8.self)) -> \(reply.prefix(200))"
                )
            }
            #expect(try await server.request("GET", "/health/live").status == 200)
            #expect(server.registry.catalog.instance(InstanceKey("web", "web-1")) != nil)
        }
    }

    /// An ordinary request, damaged.
    private static func request(using random: inout SeededGenerator) -> [UInt8] {
        let bodies = [
            #"{"host": "h", "port": 1, "tags": ["a"], "metadata": {"k": "v"}}"#, #"{"desired": "draining"}"#,
            #"{"heartbeats": [{"service": "web", "id": "web-1"}]}"#, String(repeating: "[", count: 5000), "",
        ]
        // The instance that has to survive is only read.
        let lines = [
            "PUT /api/v1/services/f/instances/1", "PUT /api/v1/services/f/instances/1/state", "POST /api/v1/heartbeats",
            "GET /api/v1/services/web", "GET /api/v1/services/web?tag=a&zone=b",
            "DELETE /api/v1/services/f/instances/1",
            "GET /metrics", "GET /api/v1/services/web/resolve", "PUT /api/v1/services/web/instances/web-1/heartbeat",
            "OPTIONS *", "CONNECT x:1", "GET http://x/api/v1/services", "HEAD /api/v1/services/web",
        ]
        let body = Array((bodies.randomElement(using: &random) ?? "").utf8)
        let lengths = [body.count, body.count, body.count, body.count + 1, max(0, body.count - 1), 99_999_999_999]
        let length = lengths.randomElement(using: &random) ?? 0
        var text =
            "\(lines.randomElement(using: &random) ?? "GET /") HTTP/1.1\r\nhost: x\r\ncontent-length: \(length)\r\n"
        switch Int.random(in: 0 ..< 12, using: &random) {
        case 0: text += "x: \(String(repeating: "y", count: 40_000))\r\n"
        case 1: text += "transfer-encoding: chunked\r\n"
        case 2: text += "host: y\r\n"
        case 3: text += "expect: 200-ok\r\n"
        case 4: text += String(repeating: "a: b\r\n", count: 200)
        case 5: text += "if-none-match: \"1\"\r\n"
        default: break
        }
        var bytes = Array(text.utf8) + Array("\r\n".utf8) + body
        switch Int.random(in: 0 ..< 4, using: &random) {
        case 0: bytes = Array(bytes.prefix(Int.random(in: 0 ... bytes.count, using: &random)))
        case 1, 2:
            for _ in 0 ..< Int.random(in: 1 ... 6, using: &random) where !bytes.isEmpty {
                let position = Int.random(in: 0 ..< bytes.count, using: &random)
                bytes[position] = UInt8.random(in: 0 ... 255, using: &random)
            }
        default: break
        }
        return bytes
    }
}
