// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOPosix
import Rollcall
import Testing

@testable import RollcallHealth

@Suite("The HTTP probe")
struct HTTPProbeTests {
    /// Asks a server that behaves so.
    private static func ask(
        _ behaviour: TestServer.Behaviour, isSecure: Bool = false, timeout: Duration = .seconds(120),
        _ change: (inout HTTPCheck) -> Void = { _ in }
    ) async throws -> CheckResult {
        let probe = HTTPProbe()
        let tls = isSecure ? try TestCertificate.serverContext() : nil
        let result = try await TestServer.run(behaviour, tls: tls) { server in
            var http = HTTPCheck(
                target: isSecure ? "https://localhost:\(server.port)/health" : "/health")
            change(&http)
            let check = CheckDefinition(kind: .http(http), timeout: timeout)
            let result = await probe.probe(check, of: server.instance(check))
            let shown = result.output.replacing(":\(server.port)", with: ":PORT")
            return CheckResult(result.status, shown)
        }
        await probe.shutdown()
        return result
    }

    private static func answer(_ status: String, _ body: String = "", _ headers: String = "") -> TestServer.Behaviour {
        .answer("HTTP/1.1 \(status)\r\n\(headers)content-length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    private static let question = "HTTP GET http://127.0.0.1:PORT/health"

    private static let failure = "Get \"http://127.0.0.1:PORT/health\""

    @Test("an expected status passes")
    func passing() async throws {
        let result = try await Self.ask(Self.answer("204 No Content"))
        #expect(result == CheckResult(.passing, "\(Self.question): 204 No Content Output: "))
    }

    @Test("another status is critical and shows what was said")
    func wrongStatus() async throws {
        let result = try await Self.ask(Self.answer("500 Internal Server Error", "the disk is gone"))
        #expect(
            result
                == CheckResult(
                    .critical,
                    "\(Self.question): 500 Internal Server Error Output: the disk is gone"))
    }

    @Test("too many requests is a warning, unless it is expected")
    func tooMany() async throws {
        let warning = try await Self.ask(Self.answer("429 Too Many Requests"))
        #expect(warning == CheckResult(.warning, "\(Self.question): 429 Too Many Requests Output: "))
        let expected = try await Self.ask(Self.answer("429 Too Many Requests")) { $0.expectedStatus = 429 ... 429 }
        #expect(expected.status == .passing)
        let other = try await Self.ask(Self.answer("200 OK", "ok")) { $0.expectedStatus = 201 ... 204 }
        #expect(other == CheckResult(.critical, "\(Self.question): 200 OK, expected 201-204 Output: ok"))
    }

    @Test("a redirect is not followed")
    func redirect() async throws {
        let result = try await Self.ask(Self.answer("302 Found", "", "location: /elsewhere\r\n"))
        #expect(result == CheckResult(.critical, "\(Self.question): 302 Found Output: "))
    }

    @Test("a text is looked for in the body")
    func body() async throws {
        let found = try await Self.ask(Self.answer("200 OK", "all is wewell")) { $0.bodyContains = "well" }
        #expect(found.status == .passing)
        let missing = try await Self.ask(Self.answer("200 OK", "ill")) { $0.bodyContains = "well" }
        #expect(
            missing == CheckResult(.critical, "\(Self.question): 200 OK, but the body does not contain \"well\""))
    }

    @Test("of an endless body no more is read than is needed")
    func hugeBody() async throws {
        let head = "HTTP/1.1 200 OK\r\n\r\n"
        let unread = try await Self.ask(.endless(head: head))
        #expect(unread.status == .passing)
        let searched = try await Self.ask(.endless(head: head)) { $0.bodyContains = "well" }
        #expect(
            searched
                == CheckResult(
                    .critical, "\(Self.question): 200 OK, but the first 64 KiB of the body do not contain \"well\""))
        let shown = try await Self.ask(.endless(head: "HTTP/1.1 500 Internal Server Error\r\n\r\n"))
        #expect(
            shown.output == "\(Self.question): 500 Internal Server Error Output: "
                + String(repeating: "x", count: 4096))
    }

    @Test("a target that hangs is given up at the time-out, wherever it hangs")
    func hanging() async throws {
        let silent = try await Self.ask(.hang, timeout: .milliseconds(200))
        #expect(silent == CheckResult(.critical, "\(Self.failure): no answer within 200 ms"))
        let unfinished = TestServer.Behaviour.answer("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        let slow = try await Self.ask(unfinished, timeout: .milliseconds(200)) { $0.bodyContains = "well" }
        #expect(slow == CheckResult(.critical, "\(Self.failure): no answer within 200 ms"))
    }

    @Test("a target that closes the connection, or speaks another language, is critical")
    func broken() async throws {
        let closed = try await Self.ask(.close)
        #expect(closed == CheckResult(.critical, "\(Self.failure): the connection was closed before an answer"))
        let foreign = try await Self.ask(.answer("220 mail ready\r\n"))
        #expect(foreign.status == .critical)
    }

    @Test("a target that refuses connections is critical at once")
    func refused() async throws {
        let probe = HTTPProbe()
        let check = CheckDefinition(kind: .http(HTTPCheck(target: "/health")), timeout: .seconds(120))
        await withRefusingPort { port in
            let result = await probe.probe(check, of: sampleInstance(port: UInt16(port), check))
            let output = "Get \"http://127.0.0.1:\(port)/health\": connection refused"
            #expect(result == CheckResult(.critical, output))
        }
        await probe.shutdown()
    }

    @Test("a certificate that nobody trusts is critical, unless any is good enough")
    func certificates() async throws {
        let strict = try await Self.ask(Self.answer("200 OK"), isSecure: true)
        #expect(strict.status == .critical)
        #expect(strict.output.contains("TLS"), "\(strict.output)")
        let lenient = try await Self.ask(Self.answer("200 OK"), isSecure: true) { $0.skipsVerification = true }
        #expect(lenient == CheckResult(.passing, "HTTP GET https://localhost:PORT/health: 200 OK Output: "))
    }
}
