// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallCLI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// `rollcall run` from end to end: a real server, a real command.
@Suite("rollcall run, real processes", .serialized, .timeLimit(.minutes(3)))
struct RunCommandTests {
    /// Serves until SIGTERM, then notes whether the registry still had it, and ends with code 7.
    private static let service = """
        import http.server, os, signal, subprocess, sys
        def stop(number, frame):
            print("stopped", flush=True)
            os._exit(7)
        signal.signal(signal.SIGTERM, stop)
        print(os.environ['ROLLCALL_SERVICE'], os.environ['ROLLCALL_INSTANCE_ID'], flush=True)
        address = ('127.0.0.1', int(os.environ['PORT']))
        http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
        """

    private func run(
        _ sandbox: Sandbox, port: Int, url: String, _ options: [String] = ["--drain-wait", "0s"],
        command: [String] = ["python3", "-c", Self.service]
    ) async throws -> Sandbox.Process {
        try await sandbox.start(
            ["run", "--service", "web", "--id", "w", "--port", String(port), "--registry", url] + options + ["--"]
                + command)
    }

    @Test("it is registered when the port answers, drained and deregistered at SIGTERM, and the code is the command's")
    func wholeLife() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve()
            let watch = try await sandbox.start(["watch", "--output", "json"], environment: server.environment)
            let run = try await run(sandbox, port: try freePort(), url: server.url, ["--drain-wait", "100ms"])
            try await eventually("web/w is up") { try await sandbox.status("web", "w", at: server) == "up" }
            #expect(run.output.hasPrefix("web w\n"))

            run.child.send(SIGTERM)
            #expect(await run.code() == 7)
            #expect(run.output == "web w\nstopped\n")
            #expect(try await sandbox.status("web", "w", at: server) == nil)

            try await eventually("watch has told the end") { watch.output.contains("\"deregistered\"") }
            let kinds = try watch.output.split(separator: "\n").map {
                try JSONValue.parse(Array($0.utf8))["kind"]?.stringValue
            }
            #expect(kinds == ["registered", "stateChanged", "deregistered"])
        }
    }

    @Test("a command that dies by itself is deregistered")
    func commandDies() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let port = try freePort()
            let program = """
                import os, socket, sys
                listener = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))
                while True:
                    connection = listener.accept()[0]
                    if connection.recv(4) == b'die!': sys.exit(5)
                """
            let run = try await run(sandbox, port: port, url: server.url, command: ["python3", "-c", program])
            try await eventually("web/w is up") { try await sandbox.status("web", "w", at: server) == "up" }
            try send("die!", toPort: port)
            #expect(await run.code() == 5)
            #expect(try await sandbox.status("web", "w", at: server) == nil)
        }
    }

    @Test("a registry that is down at the start does not keep the command from serving; it registers when it is there")
    func registryComesLater() async throws {
        try await Sandbox.use { sandbox in
            let first = try await sandbox.serve()
            first.process.child.send(SIGKILL)
            _ = await first.process.code()
            let run = try await run(sandbox, port: try freePort(), url: first.url)
            try await eventually("the first attempt failed") { run.errors.contains("registration failed") }
            #expect(run.output == "web w\n")

            let second = try await sandbox.serve(port: first.port)
            try await eventually("web/w is up") { try await sandbox.status("web", "w", at: second) == "up" }
        }
    }

    @Test("a server that is killed and forgets everything finds the instance again; the command does not notice")
    func registryForgets() async throws {
        try await Sandbox.use { sandbox in
            let first = try await sandbox.serve(["--memory"])
            let run = try await run(
                sandbox, port: try freePort(), url: first.url, ["--drain-wait", "0s", "--ttl", "1s"])
            try await eventually("web/w is up") { try await sandbox.status("web", "w", at: first) == "up" }
            first.process.child.send(SIGKILL)
            _ = await first.process.code()

            let second = try await sandbox.serve(port: first.port, ["--memory"])
            try await eventually("web/w is up again") { try await sandbox.status("web", "w", at: second) == "up" }
            run.child.send(SIGTERM)
            #expect(await run.code() == 7)
            #expect(try await sandbox.status("web", "w", at: second) == nil)
        }
    }

    @Test("a port that answers already is code 125, and nothing is started")
    func portTaken() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let run = try await run(sandbox, port: server.port, url: server.url, command: ["echo", "started"])
            #expect(await run.code() == 125)
            #expect(run.output == "")
            #expect(run.errors.hasPrefix("rollcall: port \(server.port) answers already"))
        }
    }

    @Test("what cannot be started, and what cannot be registered, has the code of a shell or of wrong usage")
    func cannotStart() async throws {
        try await Sandbox.use { sandbox in
            let port = try freePort()
            let url = "rollcall://127.0.0.1:1"
            let missing = try await run(sandbox, port: port, url: url, command: ["rollcall-no-such-command"])
            #expect(await missing.code() == 127)
            let notExecutable = try await run(sandbox, port: port, url: url, command: ["/etc/passwd"])
            #expect(await notExecutable.code() == 126)
            let noCommand = try await run(sandbox, port: port, url: url, command: [])
            #expect(await noCommand.code() == 64)
            let badTag = try await run(sandbox, port: port, url: url, ["--tag", ""], command: ["echo", "started"])
            #expect(await badTag.code() == 64)
            #expect(badTag.output == "")
            let noHost = try await run(sandbox, port: port, url: "rollcall://10.0.0.1", command: ["echo", "started"])
            #expect(await noHost.code() == 64)
            #expect(noHost.output == "")
        }
    }

    @Test("a command that is never ready is code 124")
    func neverReady() async throws {
        try await Sandbox.use { sandbox in
            let run = try await run(
                sandbox, port: try freePort(), url: "rollcall://127.0.0.1:1", ["--ready-timeout", "200ms"],
                command: ["sleep", "60"])
            #expect(await run.code() == 124)
        }
    }
}
