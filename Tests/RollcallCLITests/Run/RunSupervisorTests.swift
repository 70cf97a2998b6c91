// SPDX-License-Identifier: Apache-2.0
// Rollcall

import AsyncHTTPClient
import Testing

@testable import RollcallCLI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Real commands, on free ports of the loopback address.
@Suite("RunSupervisor, real processes", .serialized, .timeLimit(.minutes(1)))
struct RunSupervisorTests {
    private static let server = """
        import http.server, os
        address = ('127.0.0.1', int(os.environ['PORT']))
        http.server.HTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
        """

    private func supervisor(
        _ command: [String], port: Int, registration: ScriptedRegistration,
        configuration: RunMachine.Configuration = .init(drainWait: .milliseconds(50)), readiness: ReadinessProbe? = nil
    ) -> RunSupervisor {
        RunSupervisor(
            command: command, environment: ["PORT": String(port), "ROLLCALL_SERVICE": "web"],
            configuration: configuration, readiness: readiness ?? .tcp(hosts: ["127.0.0.1"], port: port),
            registration: registration, report: { _ in })
    }

    private func never() -> AsyncStream<Void> { AsyncStream { _ in } }

    @Test("a stop drains, deregisters while the command still serves, then ends it with SIGTERM")
    func orderlyStop() async throws {
        let port = try freePort()
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let registration = ScriptedRegistration(
            onStart: { stop.yield() },
            onDeregister: {
                let isServing = await ReadinessProbe.tcp(hosts: ["127.0.0.1"], port: port).isReady(client: .shared)
                return isServing ? "still serving" : "gone"
            })

        let code = try await supervisor(["python3", "-c", Self.server], port: port, registration: registration)
            .run(stops: stops)

        #expect(code == 143)
        let calls = await registration.calls
        #expect(calls == ["start", "drain", "deregister", "still serving"])
        #expect(await !ReadinessProbe.tcp(hosts: ["127.0.0.1"], port: port).isReady(client: .shared))
    }

    @Test("a command that ends by itself is deregistered and its code is passed on")
    func childEnds() async throws {
        let port = try freePort()
        let registration = ScriptedRegistration(onStart: {
            _ = await ReadinessProbe.tcp(hosts: ["127.0.0.1"], port: port).isReady(client: .shared)
        })
        // Ends at the second connection: the first is the readiness probe's, the second that of the registration above.
        let program = """
            import os, socket, sys
            listener = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))
            listener.accept()
            listener.accept()
            sys.exit(7)
            """

        let code = try await supervisor(["python3", "-c", program], port: port, registration: registration)
            .run(stops: never())

        #expect(code == 7)
        let calls = await registration.calls
        #expect(calls == ["start", "deregister"])
    }

    @Test("a command that a signal ends before it was ready gives 128 plus the signal and is not registered")
    func childKilled() async throws {
        let port = try freePort()
        let registration = ScriptedRegistration()

        let code = try await supervisor(["sh", "-c", "kill -9 $$"], port: port, registration: registration)
            .run(stops: never())

        #expect(code == 137)
        let calls = await registration.calls
        #expect(calls == [])
    }

    @Test("a command that ignores SIGTERM is killed, with the children in its process group")
    func stubbornChild() async throws {
        let port = try freePort()
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let registration = ScriptedRegistration(onStart: { stop.yield() })
        let program = "trap '' TERM; python3 -c \"$1\" & wait"
        let configuration = RunMachine.Configuration(drainWait: .zero, stopTimeout: .milliseconds(100))

        let code = try await supervisor(
            ["sh", "-c", program, "sh", Self.server], port: port, registration: registration,
            configuration: configuration
        ).run(stops: stops)

        #expect(code == 137)
        let calls = await registration.calls
        #expect(calls == ["start", "deregister"])
        #expect(await closes(port: port))
    }

    /// Whether the port stops answering: a process that was sent SIGKILL may live for a moment longer than its leader.
    private func closes(port: Int) async -> Bool {
        for _ in 0 ..< 10_000 {
            if await !ReadinessProbe.tcp(hosts: ["127.0.0.1"], port: port).isReady(client: .shared) { return true }
            await Task.yield()
        }
        return false
    }

    @Test("a command that never answers is stopped after the ready timeout with code 124")
    func neverReady() async throws {
        let port = try freePort()
        let registration = ScriptedRegistration()
        let configuration = RunMachine.Configuration(readyTimeout: .milliseconds(200))

        let code = try await supervisor(
            ["sleep", "60"], port: port, registration: registration, configuration: configuration
        ).run(stops: never())

        #expect(code == 124)
        let calls = await registration.calls
        #expect(calls == [])
    }

    @Test("a health URL is ready with its first 2xx answer, not with its first answer")
    func healthURL() async throws {
        let port = try freePort()
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let registration = ScriptedRegistration(onStart: { stop.yield() })
        // Answers 503 twice, then 200 once; a fourth request would be answered with 500.
        let program = """
            import http.server, os
            class Handler(http.server.BaseHTTPRequestHandler):
                answers = [503, 503, 200]
                def do_GET(self):
                    self.send_response(self.answers.pop(0) if self.answers and self.path == '/health' else 500)
                    self.end_headers()
                def log_message(self, *arguments): pass
            http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
            """

        let code = try await supervisor(
            ["python3", "-c", program], port: port, registration: registration,
            readiness: .http(url: "http://127.0.0.1:\(port)/health")
        ).run(stops: stops)

        #expect(code == 143)
        let calls = await registration.calls
        #expect(calls == ["start", "drain", "deregister"])
    }

    @Test("a registry that does not answer is given up a second after the second stop")
    func registryHangs() async throws {
        let port = try freePort()
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        let registration = ScriptedRegistration(
            onStart: {
                stop.yield()
                stop.yield()
            },
            onDeregister: {
                // A registry that never answers.
                try? await Task.sleep(for: .seconds(3600))
                return Task.isCancelled ? "cancelled" : nil
            })
        let configuration = RunMachine.Configuration(drainWait: .seconds(3600))

        let code = try await supervisor(
            ["python3", "-c", Self.server], port: port, registration: registration, configuration: configuration
        ).run(stops: stops)

        #expect(code == 143)
        let calls = await registration.calls
        #expect(calls == ["start", "drain", "deregister", "cancelled"])
    }

    @Test("a command that does not exist is an error with the code of a shell")
    func notFound() async throws {
        let supervisor = supervisor(["rollcall-no-such-command"], port: 1, registration: ScriptedRegistration())
        let error = await #expect(throws: LaunchError.self) { try await supervisor.run(stops: never()) }
        #expect(error?.code == 127)
        #expect(error?.description == "cannot start rollcall-no-such-command: no such command in PATH")
    }

    @Test("a file that cannot be executed is an error with the code of a shell")
    func notExecutable() async throws {
        let supervisor = supervisor(["/etc/passwd"], port: 1, registration: ScriptedRegistration())
        let error = await #expect(throws: LaunchError.self) { try await supervisor.run(stops: never()) }
        #expect(error?.code == 126)
    }
}
