// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallCLI

/// Checks that are declared and reported on the command line, and run by a real server.
@Suite("Health checks, real processes", .serialized, .timeLimit(.minutes(3)))
struct HealthCheckTests {
    /// The target is another server, asked for an instance of its own: it answers 200 while that is registered, else
    /// 404.
    @Test("an instance whose target begins to fail goes down in the list, and comes back with it")
    func target() async throws {
        try await Sandbox.use { sandbox in
            let target = try await sandbox.serve(port: 0, ["--memory"])
            let server = try await sandbox.serve()
            let put = ["register", "subject", "--id", "s", "--host", "h", "--port", "1", "--no-lease"]
            _ = try await sandbox.start(put, environment: target.environment).code()

            let registered = try await sandbox.run(
                "register", "web", "--id", "w", "--host", "127.0.0.1", "--port", "\(target.port)", "--no-lease",
                "--check", "interval=200ms,timeout=5s,http:/api/v1/services/subject/instances/s", "--check", "tcp",
                environment: server.environment)
            #expect(registered.code == 0, "\(registered.errors)")
            try await eventually("up") { try await sandbox.status("web", "w", at: server) == "up" }

            _ = try await sandbox.run("deregister", "subject", "s", environment: target.environment)
            try await eventually("down") { try await sandbox.status("web", "w", at: server) == "down" }
            let table = try await sandbox.run("instances", "web", environment: server.environment)
            #expect(table.output.contains("http=critical,tcp=passing"), "\(table.output)")
            #expect(table.output.contains("404 Not Found Output: "), "\(table.output)")

            _ = try await sandbox.start(put, environment: target.environment).code()
            try await eventually("up again") { try await sandbox.status("web", "w", at: server) == "up" }
        }
    }

    @Test("a ttl check is reported with pass, warn and fail; others are refused")
    func reports() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve()
            let environment = server.environment
            _ = try await sandbox.run(
                "register", "web", "--id", "w", "--host", "h", "--port", "1", "--check", "id=alive,ttl:1m",
                "--check", "command:true", environment: environment)

            let passed = try await sandbox.run("check", "pass", "web", "w", "alive", environment: environment)
            #expect(passed.output.hasPrefix("alive is passing, web/w is down"), "\(passed.output)")
            let warned = try await sandbox.run(
                "check", "warn", "web", "w", "alive", "--note", "90 %", "--output", "json", environment: environment)
            let checks = try #require(try warned.json["checks"]?.arrayValue)
            let alive = try #require(checks.first { $0["id"]?.stringValue == "alive" })
            #expect(alive["status"]?.stringValue == "warning")
            #expect(alive["output"]?.stringValue == "90 %")
            let refused = try await sandbox.run("check", "fail", "web", "w", "command", environment: environment)
            #expect(refused.code == 1)
            #expect(refused.errors.contains("only ttl checks are reported"), "\(refused.errors)")
            // Not enabled: it is shown, not run.
            try await eventually("the command is refused") {
                let table = try await sandbox.run("instances", "web", environment: environment)
                return table.output.contains("command checks are not enabled in the server's configuration")
            }
        }
    }

    @Test("a server that is started with --enable-command-checks runs commands")
    func commands() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(port: 0, ["--memory", "--enable-command-checks"])
            _ = try await sandbox.run(
                "register", "web", "--id", "w", "--host", "h", "--port", "1", "--check", "command:true",
                environment: server.environment)
            try await eventually("up") { try await sandbox.status("web", "w", at: server) == "up" }
        }
    }

    @Test("what a check has come to outlives a restart of the server")
    func restart() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve()
            _ = try await sandbox.run(
                "register", "web", "--id", "w", "--host", "h", "--port", "1", "--check", "id=alive,ttl:10m",
                environment: server.environment)
            _ = try await sandbox.run("check", "pass", "web", "w", "alive", environment: server.environment)
            server.process.child.send(15)
            #expect(await server.process.code() == 0)
            let next = try await sandbox.serve()
            #expect(try await sandbox.status("web", "w", at: next) == "up")
        }
    }

    @Test("a check that cannot be understood is refused with what could be")
    func usage() async throws {
        try await Sandbox.use { sandbox in
            for check in ["ping", "http", "ttl:soon", "interval=x,tcp", "colour=red,tcp"] {
                let refused = try await sandbox.run(
                    "register", "web", "--host", "h", "--port", "1", "--check", check)
                #expect(refused.code == 64, "\(check)")
                #expect(refused.errors.contains("http:/health"), "\(refused.errors)")
            }
        }
    }
}
