// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Logging
import Rollcall
import RollcallRegistries
import RollcallRemote
import Testing

@Suite("A registry over TLS", .timeLimit(.minutes(1)))
struct SecureRegistryTests {
    private static let web = Registration(service: "web", id: "a", host: "10.0.0.1", port: 80)

    @Test("whose authority the URL names is registered with, looked up and watched as any other")
    func trusted() async throws {
        try await Self.serve("IP:127.0.0.1") { certificate, port in
            try await Self.open("rollcalls://127.0.0.1:\(port)?ca=\(certificate.path)") { registry in
                var events = registry.watch(.service("web"), from: nil).makeAsyncIterator()
                guard case .snapshot(let first)? = await events.next() else {
                    Issue.record("no snapshot")
                    return
                }
                #expect(first.services.allSatisfy { $0.isEmpty })
                try await registry.register(Self.web)
                guard case .changes(let batch)? = await events.next() else {
                    Issue.record("no changes")
                    return
                }
                #expect(batch.changes.map(\.key) == [Self.web.key])
                let found = try await registry.lookup("web")
                #expect(found.count == 1)
                let outcome = try await registry.heartbeat(Self.web.key)
                #expect(outcome == .renewed)
            }
        }
    }

    @Test("whose certificate nobody vouches for is not spoken to, and the error says what to do")
    func untrusted() async throws {
        try await Self.serve("IP:127.0.0.1") { _, port in
            let error = await Self.failure(of: "rollcalls://127.0.0.1:\(port)")
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("https://127.0.0.1:\(port)") == true, "\(error?.message ?? "none")")
            #expect(error?.message.contains("is not trusted") == true, "\(error?.message ?? "none")")
            #expect(error?.message.contains("?ca=FILE") == true, "\(error?.message ?? "none")")
            let other = try SelfSigned(for: "IP:127.0.0.1")
            let wrong = await Self.failure(of: "rollcalls://127.0.0.1:\(port)?ca=\(other.path)")
            #expect(wrong?.message.contains("is not trusted") == true, "\(wrong?.message ?? "none")")
        }
    }

    @Test("whose certificate is for another name is not spoken to")
    func otherName() async throws {
        try await Self.serve("DNS:elsewhere.example") { certificate, port in
            let error = await Self.failure(of: "rollcalls://127.0.0.1:\(port)?ca=\(certificate.path)")
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("for another name") == true, "\(error?.message ?? "none")")
        }
    }

    @Test("that does not speak TLS is told apart from one that is not there")
    func noTLS() async throws {
        let server = try await ServedRegistry()
        let error = await Self.failure(of: "rollcalls://127.0.0.1:\(server.port)")
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("does not speak TLS") == true, "\(error?.message ?? "none")")
        try await server.stop()
    }

    @Test("whose authority's file cannot be used is refused with the file's name")
    func wrongFile() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rollcall-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "not a certificate.pem")
        let url = "rollcalls://127.0.0.1:1?ca=" + file.path(percentEncoded: true)
        let missing = await Self.failure(of: url)
        #expect(missing?.code == .invalid)
        #expect(missing?.message.contains(file.path(percentEncoded: false)) == true, "\(missing?.message ?? "none")")
        try Data("no certificate".utf8).write(to: file)
        let empty = await Self.failure(of: url)
        #expect(empty?.code == .invalid)
        #expect(empty?.message.contains("holds no certificate") == true, "\(empty?.message ?? "none")")
    }

    // MARK: The scene

    /// Runs `body` with a server behind TLS, whose certificate is for `names`.
    private static func serve(_ names: String, _ body: (SelfSigned, Int) async throws -> Void) async throws {
        let certificate = try SelfSigned(for: names)
        let server = try await ServedRegistry()
        let front = try await TLSFront(certificate, to: server.port)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(certificate, front.port))
        } catch {
            result = .failure(error)
        }
        try await front.stop()
        try await server.stop()
        try result.get()
    }

    private static func open(_ url: String, _ body: (any Registry) async throws -> Void) async throws {
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let opened = try await Registries.open(url, remote: .eager, logger: quiet)
        do {
            try await body(opened.registry)
        } catch {
            await opened.close()
            throw error
        }
        await opened.close()
    }

    private static func failure(of url: String) async -> RegistryError? {
        do {
            try await open(url) { registry in
                _ = try await registry.services()
                Issue.record("an error was expected")
            }
            return nil
        } catch {
            return error as? RegistryError
        }
    }
}
