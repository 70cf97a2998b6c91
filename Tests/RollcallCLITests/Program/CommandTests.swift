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

/// Each command as a process of its own, against a real server.
@Suite("Commands, real processes", .serialized, .timeLimit(.minutes(3)))
struct CommandTests {
    @Test("an instance is registered, listed, resolved and deregistered")
    func lifeOfAnInstance() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve()
            let environment = server.environment

            let registered = try await sandbox.run(
                "register", "web", "--host", "10.0.0.7", "--port", "8080", "--id", "w1", "--tag", "v2", "--tag", "blue",
                "--meta", "team=shop", "--weight", "3", "--zone", "n1", "--region", "north", "--version", "1.4.0",
                "--ttl", "1m", "--evict-after", "5m", "--secure", "--health-check", "/health", "--named-port",
                "admin=9000", environment: environment)
            #expect(registered.code == 0, "\(registered.errors)")

            let instances = try await sandbox.run("instances", "web", "--output", "json", environment: environment)
            let instance = try #require(try instances.json["instances"]?[0])
            let incarnation = try #require(instance["incarnation"]?.intValue)
            #expect(registered.output == "registered web/w1 at https://10.0.0.7:8080, incarnation \(incarnation)\n")
            #expect(instance["tags"]?.arrayValue?.map(\.stringValue) == ["v2", "blue"])
            #expect(instance["metadata"]?["team"]?.stringValue == "shop")
            #expect(instance["weight"]?.intValue == 3)
            #expect(instance["zone"]?.stringValue == "n1")
            #expect(instance["region"]?.stringValue == "north")
            #expect(instance["version"]?.stringValue == "1.4.0")
            #expect(instance["ports"]?["admin"]?.intValue == 9000)
            #expect(instance["lease"]?["ttlSeconds"]?.intValue == 60)
            #expect(instance["lease"]?["evictAfterSeconds"]?.intValue == 300)
            #expect(instance["healthCheckURL"]?.stringValue == "https://10.0.0.7:8080/health")

            for format in ["table", "json"] {
                let unknown = try await sandbox.run("instances", "wbe", "--output", format, environment: environment)
                #expect(unknown.code == 1)
                #expect(
                    unknown.errors == "rollcall: the service wbe is not known: no instance of it is registered\n")
                if format == "json" { #expect(try unknown.json["instances"] == .array([])) }
            }
            let filtered = try await sandbox.run("instances", "web", "--tag", "green", environment: environment)
            #expect(filtered.code == 0 && filtered.errors == "")

            let table = try await sandbox.run("instances", "web", environment: environment)
            let rows = table.output.split(separator: "\n").map {
                $0.split(separator: " ", omittingEmptySubsequences: true)
            }
            #expect(rows.count == 2)
            #expect(rows.first?.first == "ID")
            #expect(rows.last?.prefix(3) == ["w1", "up", "https://10.0.0.7:8080"])
            #expect(!table.output.contains("\u{1B}"))

            let services = try await sandbox.run("services", environment: environment)
            #expect(services.output == "SERVICE  INSTANCES  HEALTHY  TAGS\nweb              1        1  blue,v2\n")

            let resolved = try await sandbox.run("resolve", "web", environment: environment)
            #expect(resolved.output == "https://10.0.0.7:8080\n")

            let updated = try await sandbox.run(
                "register", "web", "--host", "10.0.0.8", "--port", "80", "--id", "w1", "--no-lease",
                environment: environment)
            #expect(updated.output == "updated web/w1 at http://10.0.0.8:80, incarnation \(incarnation)\n")

            let deregistered = try await sandbox.run("deregister", "web", "w1", environment: environment)
            #expect(deregistered.code == 0)
            #expect(deregistered.output == "deregistered web/w1\n")
            let gone = try await sandbox.run("services", "--output", "json", environment: environment)
            #expect(gone.output == "{\"services\":[]}\n")
        }
    }

    @Test("filters leave those that fulfil every condition")
    func filters() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let environment = server.environment
            for (id, tag, zone, team) in [("1", "a", "n", "x"), ("2", "a", "s", "x"), ("3", "b", "n", "y")] {
                try await sandbox.run(
                    "register", "web", "--host", "h\(id)", "--port", "80", "--id", id, "--tag", tag, "--zone", zone,
                    "--meta", "team=\(team)", "--no-lease", environment: environment)
            }
            try await sandbox.run("maintenance", "web", "3", "--reason", "disk", environment: environment)
            func ids(_ filter: String...) async throws -> [String] {
                let process = try await sandbox.start(
                    ["instances", "web", "--output", "json"] + filter, environment: environment)
                #expect(await process.code() == 0)
                let json = try JSONValue.parse(Array(process.output.utf8))
                return json["instances"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
            }
            #expect(try await ids() == ["1", "2", "3"])
            #expect(try await ids("--healthy") == ["1", "2"])
            #expect(try await ids("--tag", "a") == ["1", "2"])
            #expect(try await ids("--tag", "a", "--zone", "s") == ["2"])
            #expect(try await ids("--meta", "team=y") == ["3"])
            #expect(try await ids("--meta", "team=y", "--healthy") == [])
            let resolved = try await sandbox.run("resolve", "web", "--zone", "s", environment: environment)
            #expect(resolved.output == "http://h2:80\n")
        }
    }

    @Test("resolving goes round from one call to the next")
    func resolveAlternates() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            for id in ["a", "b"] {
                try await sandbox.run(
                    "register", "web", "--host", id, "--port", "80", "--no-lease", environment: server.environment)
            }
            var urls: [String] = []
            for _ in 0 ..< 4 {
                urls.append(try await sandbox.run("resolve", "web", environment: server.environment).output)
            }
            #expect(urls[0] != urls[1])
            #expect(Array(urls[0 ... 1]) == Array(urls[2 ... 3]))
            var owners: Set<String> = []
            for _ in 0 ..< 3 {
                let arguments = ["resolve", "web", "--policy", "maglev", "--key", "user-7"]
                let process = try await sandbox.start(arguments, environment: server.environment)
                #expect(await process.code() == 0)
                owners.insert(process.output)
            }
            #expect(owners.count == 1)
        }
    }

    @Test("an operator's word is told and seen")
    func desiredStates() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let environment = server.environment
            try await sandbox.run(
                "register", "web", "--host", "h", "--port", "80", "--id", "1", "--no-lease", environment: environment)

            let drained = try await sandbox.run(
                "drain", "web", "1", "--reason", "upgrade", "--for", "30s", "--output", "json", environment: environment
            )
            #expect(try drained.json["status"]?.stringValue == "draining")
            #expect(try drained.json["state"]?["reason"]?.stringValue == "upgrade")
            let until = try #require(try drained.json["state"]?["until"]?.stringValue.flatMap { WallTime($0) })
            #expect(until > .current())

            let refused = try await sandbox.run("resolve", "web", environment: environment)
            #expect(refused.code == 1)
            #expect(refused.output == "")
            #expect(refused.errors.hasPrefix("rollcall: "))

            let maintained = try await sandbox.run("maintenance", "web", "1", "--reason", "x", environment: environment)
            #expect(maintained.output == "web/1 is outOfService\n")
            let enabled = try await sandbox.run("enable", "web", "1", environment: environment)
            #expect(enabled.output == "web/1 is up\n")
        }
    }

    @Test("a heartbeat is renewed, unknown or fenced, and an unknown instance is code 1 with one line")
    func refusals() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let environment = server.environment
            try await sandbox.run(
                "register", "web", "--host", "h", "--port", "80", "--id", "1", environment: environment)
            let renewed = try await sandbox.run("heartbeat", "web", "1", environment: environment)
            #expect(renewed.output == "renewed web/1\n")
            for arguments in [["heartbeat"], ["deregister"], ["enable"], ["drain"]] {
                let process = try await sandbox.start(arguments + ["web", "2"], environment: environment)
                #expect(await process.code() == 1)
                #expect(process.errors.hasPrefix("rollcall: ") && process.errors.hasSuffix("is registered\n"))
                #expect(process.errors.split(separator: "\n").count == 1)
            }
            let fenced = try await sandbox.run(
                "deregister", "web", "1", "--incarnation", "99", environment: environment)
            #expect(fenced.code == 1)
            #expect(fenced.errors.contains("incarnation 99"))
            #expect(try await sandbox.status("web", "1", at: server) == "up")

            let invalid = try await sandbox.run(
                "register", "web", "--host", "", "--port", "0", environment: environment)
            #expect(invalid.code == 1)
            #expect(invalid.errors.contains("host: must not be empty") && invalid.errors.contains("port: must be 1"))
        }
    }

    @Test("wrong usage is code 64, and a registry that cannot be reached is code 69 with its URL and the next step")
    func failures() async throws {
        try await Sandbox.use { sandbox in
            for arguments in [
                ["register", "web"], ["nonsense"], ["drain", "web", "1", "--for", "soon"],
                ["services", "--output", "xml"],
                ["register", "web", "--host", "h", "--port", "80", "--meta", "novalue"],
                ["services", "--registry", "x:"],
            ] {
                #expect(await try sandbox.start(arguments).code() == 64, "\(arguments)")
            }
            let server = try await sandbox.serve(["--memory"])
            server.process.child.send(SIGKILL)
            _ = await server.process.code()
            let lost = try await sandbox.run("services", environment: server.environment)
            #expect(lost.code == 69)
            #expect(lost.output == "")
            #expect(lost.errors.hasPrefix("rollcall: the registry at \(server.url) cannot be reached: "))
            #expect(lost.errors.hasSuffix("is `rollcall serve` running there?\n"))
            #expect(lost.errors.split(separator: "\n").count == 1)
        }
    }

    @Test("the flag wins over the environment, and completions exist for three shells")
    func registryAndCompletions() async throws {
        try await Sandbox.use { sandbox in
            let answer = try await sandbox.run(
                "services", "--registry", "memory:", environment: ["ROLLCALL_REGISTRY": "rollcall://127.0.0.1:1"])
            #expect(answer.code == 0)
            for shell in ["bash", "zsh", "fish"] {
                let script = try await sandbox.run("--generate-completion-script", shell)
                #expect(script.code == 0)
                #expect(script.output.contains("deregister"))
            }
            #expect(try await sandbox.run("--version").output == "0.1.0\n")
        }
    }
}
