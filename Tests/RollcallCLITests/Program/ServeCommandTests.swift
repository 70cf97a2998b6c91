// SPDX-License-Identifier: Apache-2.0
// Rollcall

import AsyncHTTPClient
import NIOCore
import Rollcall
import Testing

@testable import RollcallCLI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite("rollcall serve, real processes", .serialized, .timeLimit(.minutes(3)))
struct ServeCommandTests {
    @Test("one line says address, port, folder and what was recovered; SIGTERM and SIGINT end it with code 0")
    func startAndStop() async throws {
        try await Sandbox.use { sandbox in
            let first = try await sandbox.serve()
            #expect(
                first.line == "rollcall: listening on http://127.0.0.1:\(first.port), data in "
                    + "\(sandbox.folder)/data, 0 instances recovered")
            for port in ["80", "81"] {
                try await sandbox.run(
                    "register", "web", "--host", "h", "--port", port, "--no-lease", environment: first.environment)
            }
            first.process.child.send(SIGTERM)
            #expect(await first.process.code() == 0)
            #expect(first.process.output.split(separator: "\n").count == 1)

            let second = try await sandbox.serve()
            #expect(second.line.hasSuffix(", 2 instances recovered"))
            second.process.child.send(SIGINT)
            #expect(await second.process.code() == 0)
        }
    }

    @Test("what was acknowledged survives kill -9, with its life and its revision")
    func killed() async throws {
        try await Sandbox.use { sandbox in
            let first = try await sandbox.serve()
            try await sandbox.run("register", "web", "--host", "h", "--port", "80", environment: first.environment)
            let before = try await sandbox.run("instances", "web", "--output", "json", environment: first.environment)
            first.process.child.send(SIGKILL)
            _ = await first.process.code()
            let second = try await sandbox.serve()
            let after = try await sandbox.run("instances", "web", "--output", "json", environment: second.environment)
            let (old, new) = (try before.json["instances"]?[0], try after.json["instances"]?[0])
            #expect(old != nil && old == new)
        }
    }

    @Test("in memory nothing is kept")
    func memory() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            #expect(server.line == "rollcall: listening on http://127.0.0.1:\(server.port), in memory")
        }
    }

    @Test("file, environment and flags are read in growing precedence")
    func precedence() async throws {
        try await Sandbox.use { sandbox in
            let file = try sandbox.write("port: 1\naddress: 127.0.0.9\nbrake:\n  window: 11s\n", to: "serve.yaml")
            func shown(_ arguments: [String], _ environment: [String: String]) async throws -> [Substring] {
                let process = try await sandbox.start(
                    ["serve", "--print-configuration"] + arguments, environment: environment)
                #expect(await process.code() == 0, "\(process.errors)")
                return process.output.split(separator: "\n")
            }
            let fromFile = try await shown(["--config", file], [:])
            #expect(fromFile.contains("port: 1") && fromFile.contains("address: 127.0.0.9"))
            #expect(fromFile.contains("  window: 11s"))
            let fromEnvironment = try await shown([], ["ROLLCALL_PORT": "2", "ROLLCALL_CONFIG": file])
            #expect(fromEnvironment.contains("port: 2") && fromEnvironment.contains("address: 127.0.0.9"))
            let fromFlags = try await shown(
                ["--config", file, "--port", "3", "--set", "brake.window=12s"],
                ["ROLLCALL_PORT": "2", "ROLLCALL_BRAKE_WINDOW": "13s"])
            #expect(fromFlags.contains("port: 3") && fromFlags.contains("  window: 12s"))
        }
    }

    @Test("the configuration that is printed is one that can be read")
    func printedConfiguration() async throws {
        try await Sandbox.use { sandbox in
            let first = try await sandbox.run("serve", "--print-configuration", "--port", "1", "--memory")
            let file = try sandbox.write(first.output, to: "serve.yaml")
            let second = try await sandbox.run("serve", "--print-configuration", "--config", file)
            #expect(first.code == 0 && second.code == 0, "\(second.errors)")
            #expect(first.output == second.output)
        }
    }

    @Test("a wrong configuration is code 78 with the key, the value and what was expected")
    func wrongConfiguration() async throws {
        try await Sandbox.use { sandbox in
            let file = try sandbox.write("prot: 1\n", to: "serve.yaml")
            let cases: [([String], [String: String], String)] = [
                (["--config", file], [:], "rollcall: \(file):1: there is no key prot; did you mean port?\n"),
                (
                    [], ["ROLLCALL_PORT": "x"],
                    "rollcall: $ROLLCALL_PORT: port is \"x\", but a port, 0 to 65535 was expected\n"
                ),
                (
                    ["--set", "brake.fleet-share=2"], [:],
                    "rollcall: --set: brake.fleet-share is \"2\", but a share between 0 and 1 was expected\n"
                ),
                (
                    ["--config", "/nonexistent"], [:],
                    "rollcall: the configuration file /nonexistent: No such file or directory\n"
                ),
                (
                    ["--data", "x", "--memory"], [:],
                    "rollcall: --memory: memory and data exclude each other; give one of them\n"
                ),
            ]
            for (arguments, environment, message) in cases {
                let process = try await sandbox.start(["serve"] + arguments, environment: environment)
                #expect(await process.code() == 78)
                #expect(process.errors == message)
            }
        }
    }

    @Test("a port that is taken and a folder that is in use are one clear line each")
    func taken() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve()
            let samePort = try await sandbox.run("serve", "--memory", "--port", String(server.port))
            #expect(samePort.code == 69)
            #expect(samePort.errors == "rollcall: port \(server.port) on 127.0.0.1 is in use by another process\n")
            // RFC 5737: for documentation, so nobody's.
            let elsewhere = try await sandbox.run("serve", "--memory", "--port", "0", "--address", "192.0.2.1")
            #expect(elsewhere.code == 69)
            #expect(elsewhere.errors == "rollcall: 192.0.2.1 is not an address of this machine\n")
            let nameless = try await sandbox.run("serve", "--memory", "--port", "0", "--address", "no.such.invalid")
            #expect(nameless.code == 69)
            #expect(nameless.errors == "rollcall: no.such.invalid cannot be resolved\n")
            let sameFolder = try await sandbox.run("serve", "--port", "0", "--data", sandbox.folder + "/data")
            #expect(sameFolder.code == 69)
            #expect(sameFolder.errors.hasPrefix("rollcall: cannot open the registry file \(sandbox.folder)/data/"))
        }
    }

    @Test("a folder that cannot be used is a wrong configuration, code 78")
    func unusableFolder() async throws {
        try await Sandbox.use { sandbox in
            let file = try sandbox.write("not a database, and longer than the header of one would be", to: "x.db")
            for path in [file, file + "/below"] {
                let process = try await sandbox.run("serve", "--port", "0", "--data", path)
                #expect(process.code == 78, "\(process.errors)")
                #expect(process.errors.hasPrefix("rollcall: cannot open the registry file \(path)"))
                #expect(process.errors.split(separator: "\n").count == 1)
            }
        }
    }

    @Test("the default lease is what the configuration says")
    func defaultLease() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--set", "lease.ttl=7s", "--set", "lease.evict-after=50s"])
            let response = try await HTTPClient.shared.put(
                url: "http://127.0.0.1:\(server.port)/api/v1/services/web/instances/a",
                body: .string(#"{"host": "10.0.0.1", "port": 80}"#), deadline: .now() + .seconds(30)
            ).get()
            let body = try #require(response.body)
            let lease = try JSONValue.parse(Array(body.readableBytesView))["lease"]
            #expect(lease?["ttlSeconds"] == .integer(7))
            #expect(lease?["evictAfterSeconds"] == .integer(50))
        }
    }
}
