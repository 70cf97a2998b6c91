// SPDX-License-Identifier: Apache-2.0
// Rollcall

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Rollcall
import RollcallHTTPClient
import Testing

@Suite("HTTP calls to services", .timeLimit(.minutes(1)))
struct ServiceHTTPClientTests {
    /// Registers these ports of this machine as instances of `web`, named by their position.
    func withClient(
        _ ports: [Int], http: HTTPClient.Configuration = ServiceHTTPClient.standardHTTP,
        _ body: (ServiceHTTPClient) async throws -> Void
    ) async throws {
        let registry = LocalRegistry()
        for (number, port) in ports.enumerated() {
            try await registry.register(
                Registration(
                    service: "web", id: InstanceID("\(number)"), host: "127.0.0.1", port: UInt16(port),
                    lease: LeaseTerms(kind: .none)))
        }
        let client = ServiceHTTPClient(registry, http: http)
        do {
            try await body(client)
        } catch {
            try await client.shutdown()
            throw error
        }
        try await client.shutdown()
        await registry.shutdown()
    }

    @Test("reach an instance with path, query and headers, and stream the answer")
    func answer() async throws {
        let server = try await EchoServer.start(status: .ok)
        try await withClient([server.port]) { client in
            var request = HTTPClientRequest(url: "http://web/a/b?c=d#e")
            request.headers.add(name: "x-kind", value: "test")
            let response = try await client.execute(request, timeout: .seconds(20))
            #expect(response.status == .ok)
            let body = String(buffer: try await response.body.collect(upTo: 4096))
            #expect(body.hasPrefix("GET /a/b?c=d\n"))
            #expect(body.contains("x-kind: test\n"))
            #expect(body.contains("host: 127.0.0.1:\(server.port)\n"))
            #expect(body.contains("x-envoy-expected-rq-timeout-ms: "))
        }
        try await server.stop()
    }

    @Test("go on to another instance when one refuses connections or answers 500")
    func failover() async throws {
        let good = try await EchoServer.start(status: .ok)
        let bad = try await EchoServer.start(status: .internalServerError)
        let dead = try await EchoServer.start(status: .ok)
        try await dead.stop()
        try await withClient([good.port, bad.port, dead.port]) { client in
            for _ in 0 ..< 30 {
                let response = try await client.execute(HTTPClientRequest(url: "http://web/"))
                #expect(response.status == .ok)
                _ = try await response.body.collect(upTo: 4096)
            }
        }
        try await good.stop()
        try await bad.stop()
    }

    @Test("return the failure of an instance when there is no better answer")
    func onlyFailures() async throws {
        let bad = try await EchoServer.start(status: .badGateway)
        try await withClient([bad.port]) { client in
            let response = try await client.execute(HTTPClientRequest(url: "http://web/"))
            #expect(response.status == .badGateway)
        }
        try await bad.stop()
    }

    @Test("do not repeat a POST that was answered with 500")
    func post() async throws {
        let bad = try await EchoServer.start(status: .internalServerError)
        try await withClient([bad.port]) { client in
            var request = HTTPClientRequest(url: "http://web/")
            request.method = .POST
            request.body = .bytes(ByteBuffer(string: "once"))
            let response = try await client.execute(request)
            #expect(response.status == .internalServerError)
        }
        #expect(bad.received.count == 1)
        try await bad.stop()
    }

    @Test("say what was tried when nobody answers")
    func nobody() async throws {
        let dead = try await EchoServer.start(status: .ok)
        try await dead.stop()
        try await withClient([dead.port]) { client in
            let error = await #expect(throws: CallError.self) {
                _ = try await client.execute(HTTPClientRequest(url: "http://web/"))
            }
            #expect(error?.attempts.map(\.outcome) == Array(repeating: .failure(.connect), count: 3))
        }
    }

    @Test(
        "refuse a URL that names no service",
        arguments: ["ftp://web/", "web/path", "http:///path", "http://web:80/", "https://me@web/", "http://[::1]/"])
    func badURLs(url: String) async throws {
        try await withClient([]) { client in
            await #expect(throws: ServiceURLError.self) { _ = try await client.execute(HTTPClientRequest(url: url)) }
        }
    }
}
