// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Testing

@testable import RollcallCLI

/// Clients of Consul that others wrote, used as their users do, against the program.
@Suite("Consul's Python clients find in rollcall what they find in Consul", .timeLimit(.minutes(5)))
struct ConsulClientTests {
    private static let scenarios = [
        "registration", "ttl_check", "http_check", "tcp_check", "grpc_check", "script_check", "standalone_checks",
        "maintenance", "blocking", "key_value", "locks", "transaction", "catalog", "agent",
    ]
    private static let script = PythonClient.folder + "/consul_scenarios.py"

    @Test("every scenario is run here")
    func listed() async throws {
        try await Sandbox.use { sandbox in
            let python = try PythonClient("py-consul")
            let listed = try await sandbox.run(Self.script, program: python.interpreter)
            #expect(listed.output.split(separator: "\n").map(String.init) == Self.scenarios, "\(listed.errors)")
        }
    }

    @Test("with py-consul", arguments: scenarios)
    func pyConsul(scenario: String) async throws { try await run(scenario, with: "py-consul") }

    @Test("with python-consul2", arguments: scenarios)
    func pythonConsul2(scenario: String) async throws { try await run(scenario, with: "python-consul2") }

    private func run(_ scenario: String, with client: String) async throws {
        let python = try PythonClient(client)
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let ended = try await sandbox.run(
                Self.script, String(server.port), scenario, program: python.interpreter)
            #expect(ended.code == 0, "\(ended.output)\(ended.errors)\n\(server.process.errors)")
        }
    }
}

/// A Python environment that `scripts/setup` has made for a client of another registry.
struct PythonClient {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
    /// Where the lists of packages and the scripts are.
    static let folder = root + "/Tests/Clients"

    let interpreter: String

    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    init(_ name: String) throws {
        interpreter = "\(Self.root)/.venv/\(name)/bin/python"
        guard FileManager.default.isExecutableFile(atPath: interpreter) else {
            throw Missing(description: "there is no \(interpreter): run scripts/setup, as \"make test\" does")
        }
    }
}
