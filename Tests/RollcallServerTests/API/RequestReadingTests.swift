// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("How the native API reads a request", .timeLimit(.minutes(2)))
struct RequestReadingTests {
    static let web = "/api/v1/services/web"
    static let instance = "/api/v1/services/web/instances/web-1"
    static let body = #"{"host": "10.0.0.1", "port": 8080}"#

    @Test("an incarnation is a decimal number that others can count on from, on the event loop and on the route alike")
    func incarnations() async throws {
        try await RunningServer.run { (server) async throws in
            let wrong = ["18446744073709551616", "99999999999999999999", "+1", "%2B1", "-1", "1.0", "0x1", "", "%31%"]
            for text in wrong {
                for (method, part) in [("PUT", ""), ("PUT", "/heartbeat"), ("DELETE", "")] {
                    let target = "\(Self.instance)\(part)?incarnation=\(text)"
                    let reply = try await server.request(method, target, part.isEmpty ? Self.body : nil)
                    #expect(reply.problem == "malformed", "\(method) \(target): \(reply.status) \(reply.body)")
                }
            }
            func register(_ query: String) async throws -> RunningServer.Reply {
                try await server.request("PUT", "\(Self.instance)?\(query)", Self.body)
            }
            for text in ["18446744073709551615", "9223372036854775808"] {
                #expect(try await register("incarnation=\(text)").problem == "invalid")
                let heartbeat = "\(Self.instance)/heartbeat?incarnation=\(text)"
                #expect(try await server.request("PUT", heartbeat).problem == "unknown-instance")
            }
            #expect(try await register("incarnation=9223372036854775807").status == 201)
            for _ in 0 ..< 3 { #expect(try await register("life=new").status == 201) }
            #expect(try await server.request("GET", "/health/live").status == 200)
        }
    }

    @Test("a path is decoded exactly once, on the event loop and on the route alike")
    func decoding() async throws {
        try await RunningServer.run { (server) async throws in
            for (text, id) in [("a%2562", "a%62"), ("a%2Fb", "a/b"), ("a+b", "a+b"), ("a%2Bb", "a+b")] {
                let target = "\(Self.web)/instances/\(text)"
                #expect(try await server.request("PUT", target, Self.body).json["id"] == .string(id))
                #expect(try await server.request("PUT", "\(target)/heartbeat").status == 204)
                // A parameter that the event loop leaves to the route.
                #expect(try await server.request("PUT", "\(target)/heartbeat?&").status == 204)
                #expect(try await server.request("DELETE", target).status == 204)
            }
        }
    }

    @Test("bytes of a target that are not UTF-8 are refused, escaped or not")
    func rawBytes() async throws {
        try await RunningServer.run { (server) async throws in
            func status(_ target: [UInt8], _ method: String) async throws -> Int? {
                let rest = " HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: \(Self.body.count)\r\n\r\n"
                let head = Array("\(method) ".utf8) + target + Array(rest.utf8)
                return RawConnection.status(
                    of: try await RawConnection.exchange(head + Array(Self.body.utf8), port: server.port))
            }
            for bytes: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0xAF]] {
                #expect(try await status(Array(Self.web.utf8) + bytes, "GET") == 400)
                #expect(try await status(Array("\(Self.web)?zone=".utf8) + bytes, "GET") == 400)
                #expect(try await status(Array("\(Self.web)/instances/".utf8) + bytes, "PUT") == 400)
                #expect(
                    try await status(Array("\(Self.web)/instances/".utf8) + bytes + Array("/heartbeat".utf8), "PUT")
                        == 400)
                #expect(try await status(Array("/api/v1/watch?service=".utf8) + bytes, "GET") == 400)
            }
            #expect(server.registry.catalog.counts.instances == 0)
        }
    }

    @Test("a parameter that has one value is not given twice")
    func repeatedParameters() async throws {
        try await RunningServer.run { (server) async throws in
            let heartbeat = "\(Self.instance)/heartbeat"
            let cases = [
                ("GET", "\(Self.web)?healthy=true&healthy=false"), ("GET", "\(Self.web)?zone=a&zone=b"),
                ("GET", "\(Self.web)?metadata.k=a&metadata.k=b"), ("PUT", "\(heartbeat)?incarnation=1&incarnation=2"),
                ("GET", "\(Self.web)/resolve?policy=random&policy=random"),
            ]
            for (method, target) in cases {
                #expect(try await server.request(method, target).problem == "malformed", "\(target)")
            }
            #expect(try await server.request("GET", "\(Self.web)?tag=a&tag=b").status == 200)
        }
    }

    @Test("fields of a registration that are not known are refused by name, all of them at once")
    func unknownFields() async throws {
        try await RunningServer.run { (server) async throws in
            let body = #"{"host": "h", "prot": 1, "lease": {"ttl": 3}, "shadows": {"x": 1}, "tags": []}"#
            let reply = try await server.request("PUT", Self.instance, body)
            #expect(reply.status == 422)
            #expect(reply.problem == "invalid")
            let fields = reply.json["faults"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? []
            #expect(Set(fields) == ["prot", "lease.ttl", "shadows", "port"])
            #expect(server.registry.catalog.counts.instances == 0)
        }
    }

    @Test("a batch of heartbeats without heartbeats is not one")
    func emptyBatch() async throws {
        try await RunningServer.run { (server) async throws in
            for body in ["{}", "[]", "", #"{"heartbeats": null}"#, #"{"heartbeats": [{}]}"#, #"{"beats": []}"#] {
                #expect(try await server.request("POST", "/api/v1/heartbeats", body).problem == "malformed", "\(body)")
            }
            #expect(try await server.request("POST", "/api/v1/heartbeats", #"{"heartbeats": []}"#).status == 200)
        }
    }

    @Test("each route has its own limit for the body, small and large batches are answered alike")
    func bodyLimits() async throws {
        try await RunningServer.run { (server) async throws in
            _ = try await server.request("PUT", Self.instance, Self.body)
            func padded(_ text: String, _ count: Int) -> String { text + String(repeating: " ", count: count) }
            let kibibyte = 1024
            let state = #"{"desired": "enabled"}"#
            #expect(try await server.request("PUT", Self.instance, padded(Self.body, 60 * kibibyte)).status == 200)
            #expect(try await server.request("PUT", Self.instance, padded(Self.body, 64 * kibibyte)).status == 413)
            let target = "\(Self.instance)/state"
            #expect(try await server.request("PUT", target, padded(state, 15 * kibibyte)).status == 200)
            #expect(try await server.request("PUT", target, padded(state, 16 * kibibyte)).status == 413)
            #expect(try await server.request("POST", "/api/v1/nothing", padded("", 17 * kibibyte)).status == 413)
            var answers: Set<String> = []
            let batch = #"{"heartbeats": [{"service": "web", "id": "web-1"}, {"service": "web", "id": "ghost"}]}"#
            for count in [0, 100 * kibibyte, 2000 * kibibyte] {
                let reply = try await server.request("POST", "/api/v1/heartbeats", padded(batch, count))
                #expect(reply.status == 200)
                answers.insert(reply.body)
            }
            #expect(answers == [#"{"renewed":1,"refused":[{"index":1,"outcome":"unknown"}]}"#])
            #expect(
                try await server.request("POST", "/api/v1/heartbeats", padded(batch, 2048 * kibibyte)).status == 413)
            let heartbeat = #"{"service": "a", "id": "b"}"#
            let many = Array(repeating: heartbeat, count: 10_001).joined(separator: ",")
            #expect(
                try await server.request("POST", "/api/v1/heartbeats", "{\"heartbeats\": [\(many)]}").problem
                    == "malformed")
        }
    }

    @Test("a known path names its methods whatever method is tried")
    func otherMethods() async throws {
        try await RunningServer.run { (server) async throws in
            for method in ["POST", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "BREW"] {
                let reply = try await RawConnection.exchange(
                    "\(method) \(Self.web) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", port: server.port)
                // The parser knows the registered methods only; what it does not know is not HTTP to it.
                let isKnown = method != "BREW"
                #expect(RawConnection.status(of: reply) == (isKnown ? 405 : 400), "\(method): \(reply)")
                if isKnown { #expect(reply.contains("allow: GET, HEAD\r\n"), "\(reply)") }
            }
        }
    }

    @Test("any of several entity tags, weak or strong, is recognised")
    func entityTags() async throws {
        try await RunningServer.run { (server) async throws in
            _ = try await server.request("PUT", Self.instance, Self.body)
            let tag = try #require(try await server.request("GET", Self.web).headers["etag"])
            for target in [Self.web, "\(Self.web)?healthy=true", "\(Self.web)?zone="] {
                for text in [tag, "W/\(tag)", "\"x\", \(tag)", "\"x\",W/\(tag) , \"y\"", "*"] {
                    let reply = try await server.request("GET", target, headers: ["if-none-match": text])
                    #expect(reply.status == 304, "\(target) \(text)")
                    #expect(reply.headers["etag"] == tag)
                }
                for text in ["\"x\"", "W/\"x\"", String(tag.dropLast()), String(tag.dropFirst().dropLast())] {
                    let reply = try await server.request("GET", target, headers: ["if-none-match": text])
                    #expect(reply.status == 200, "\(target) \(text)")
                }
            }
        }
    }
}
