// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Synchronization
import Testing

@testable import RollcallCLI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

@Suite("The examples", .timeLimit(.minutes(5)))
struct ExampleTests {
    @Test("two services register themselves, both are called, and one leaves without a failed call")
    func rollingStop() async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve(["--memory"])
            var services: [Sandbox.Process] = []
            for _ in 0 ..< 2 {
                services.append(try await sandbox.start(["greeter", server.url], program: "ExampleService"))
            }
            try await eventually("both are registered") {
                try await endpoints(sandbox, server).count == 2
            }
            let both = try await endpoints(sandbox, server)

            #expect(try await answerers(sandbox, server, calls: 50) == both)

            let isOver = Mutex(false)
            services[0].child.send(SIGTERM)
            async let first = ended(services[0], isOver)
            repeat {
                #expect(try await answerers(sandbox, server, calls: 100).isSubset(of: both))
            } while !isOver.withLock { $0 }
            #expect(await first == 0, "\(services[0].output)")

            let rest = try await endpoints(sandbox, server)
            #expect(rest.count == 1)
            #expect(try await answerers(sandbox, server, calls: 20) == rest)

            services[1].child.send(SIGINT)
            #expect(await services[1].code() == 0, "\(services[1].output)")
            #expect(try await endpoints(sandbox, server).isEmpty)
        }
    }

    private func ended(_ process: Sandbox.Process, _ isOver: borrowing Mutex<Bool>) async -> Int32 {
        let code = await process.code()
        isOver.withLock { $0 = true }
        return code
    }

    /// Where the registered instances listen, as in `127.0.0.1:8080`.
    private func endpoints(_ sandbox: Sandbox, _ server: TestServer) async throws -> Set<String> {
        let answer = try await sandbox.run(
            "instances", "greeter", "--output", "json", environment: server.environment)
        guard answer.code == 0 else { return [] }
        return Set(try answer.json["instances"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? [])
    }

    /// Calls the service through the example client, without a failure: who answered.
    private func answerers(_ sandbox: Sandbox, _ server: TestServer, calls: Int) async throws -> Set<String> {
        let client = try await sandbox.run("greeter", String(calls), server.url, program: "ExampleClient")
        #expect(client.code == 0, "\(client.errors)")
        let lines = client.output.split(separator: "\n")
        #expect(lines.last == "\(calls) calls, 0 failed", "\(client.output)")
        let greeting = "200 hello world from "
        let greetings = lines.filter { $0.hasPrefix(greeting) }
        #expect(greetings.count == calls)
        return Set(greetings.map { String($0.dropFirst(greeting.count)) })
    }
}
