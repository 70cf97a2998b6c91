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

@Suite("rollcall watch, real processes", .serialized, .timeLimit(.minutes(3)))
struct WatchCommandTests {
    @Test("it tells what is there and each change, only of the services named, and ends with code 0 at SIGINT")
    func table() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            let environment = server.environment
            try await sandbox.run(
                "register", "web", "--host", "h", "--port", "80", "--id", "1", "--no-lease", environment: environment)
            let watch = try await sandbox.start(["watch", "web", "api"], environment: environment)
            try await eventually("what is there was told") { watch.output.contains("present") }
            try await sandbox.run("maintenance", "web", "1", "--reason", "x", environment: environment)
            try await sandbox.run(
                "register", "other", "--host", "h", "--port", "80", "--no-lease", environment: environment)
            try await sandbox.run("deregister", "web", "1", environment: environment)
            try await eventually("the end was told") { watch.output.contains("deregistered") }
            watch.child.send(SIGINT)
            #expect(await watch.code() == 0)
            // Without the time.
            let lines = watch.output.split(separator: "\n").map { String($0.dropFirst(15)) }
            #expect(
                lines == [
                    "present       web/1  http://h:80  up", "stateChanged  web/1  http://h:80  up -> outOfService",
                    "deregistered  web/1  http://h:80  outOfService -> gone",
                ])
        }
    }

    @Test("a server that is lost and comes back is told, and what changed meanwhile, too")
    func serverRestarts() async throws {
        try await Sandbox.use { sandbox in
            let first = try await sandbox.serve()
            try await sandbox.run(
                "register", "web", "--host", "h", "--port", "80", "--id", "1", "--no-lease",
                environment: first.environment)
            let watch = try await sandbox.start(["watch", "--output", "json"], environment: first.environment)
            try await eventually("what is there was told") { watch.output.contains("\"present\"") }
            first.process.child.send(SIGKILL)
            _ = await first.process.code()
            try await eventually("the loss was told") { watch.output.contains("\"stale\"") }

            let second = try await sandbox.serve(port: first.port)
            try await sandbox.run("deregister", "web", "1", environment: second.environment)
            try await eventually("the end was told") {
                watch.output.contains("\"deregistered\"") || watch.output.contains("\"gone\"")
            }
            let lines = try watch.output.split(separator: "\n").map { try JSONValue.parse(Array($0.utf8)) }
            #expect(lines.contains { $0["kind"]?.stringValue == "engine" && $0["state"]?.stringValue == "connected" })
            let last = try #require(lines.last { $0["service"] != nil })
            #expect(last["before"]?.stringValue == "up")
            #expect(last["after"]?.isNull == true)
        }
    }
}
