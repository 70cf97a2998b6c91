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

/// Instances of the service `web`, each a Python server of its own under `rollcall run`.
struct FaultyFleet {
    let sandbox: Sandbox
    let server: TestServer

    /// Answers as told by its environment, and says which process it is.
    private static let program = """
        import http.server, os, random
        rate = float(os.environ.get('FAIL_RATE', '0'))
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'
            wbufsize = 65536
            def do_GET(self):
                self.send_response(500 if random.random() < rate else 200)
                self.send_header('Content-Length', '2')
                self.end_headers()
                self.wfile.write(b'ok')
            def log_message(self, *arguments): pass
        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128
        print(os.getpid(), flush=True)
        Server(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
        """

    /// Starts an instance and returns when the registry has it.
    func start(_ id: String, failRate: Double = 0) async throws -> Sandbox.Process {
        let arguments = [
            "run", "--service", "web", "--id", id, "--port", String(try freePort()), "--registry", server.url,
            "--ttl", "3s", "--drain-wait", "1s", "--", "python3", "-c", Self.program,
        ]
        let process = try await sandbox.start(arguments, environment: ["FAIL_RATE": String(failRate)])
        try await eventually("web/\(id) is up") { try await sandbox.status("web", id, at: server) == "up" }
        return process
    }

    /// Stops the server of an instance without ending it: connections are accepted, and nobody answers.
    func freeze(_ process: Sandbox.Process) throws {
        let pid = try #require(pid_t(process.output.prefix { $0.isNumber }))
        #expect(kill(pid, SIGSTOP) == 0)
    }

    func thaw(_ process: Sandbox.Process) throws {
        let pid = try #require(pid_t(process.output.prefix { $0.isNumber }))
        _ = kill(pid, SIGCONT)
    }
}
