// SPDX-License-Identifier: Apache-2.0
// Rollcall

import AsyncHTTPClient
import Rollcall
import RollcallHTTPClient
import RollcallRemote
import Testing

@testable import RollcallCLI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A client and real servers, 200 calls a second, while the servers fail in each way that servers do.
@Suite("A client under load, real processes", .serialized, .timeLimit(.minutes(4)))
struct ClientUnderFaultsTests {
    private func withLoad(
        attemptTimeout: Duration,
        _ body: (FaultyFleet, CallLoad) async throws -> Void
    ) async throws {
        try await Sandbox.use { sandbox in
            let server = try await sandbox.serve()
            let registry = RemoteRegistry(addresses: [ServerAddress(host: "127.0.0.1", port: server.port)])
            var configuration = ServiceClientConfiguration()
            configuration.retry.attemptTimeout = attemptTimeout
            // Three of five are bad at once for a while.
            configuration.retry.maximumAttempts = 4
            let client = ServiceClient(registry, configuration: configuration)
            var standard = ServiceHTTPClient.standardHTTP
            standard.connectionPool.retryConnectionEstablishment = false
            let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: standard)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(FaultyFleet(sandbox: sandbox, server: server), CallLoad(client, http)))
            } catch {
                result = .failure(error)
            }
            await client.shutdown()
            try await http.shutdown()
            await registry.shutdown()
            try result.get()
        }
    }

    @Test("no idempotent call fails: one is killed, one hangs, one answers 500, one leaves, the registry is away")
    func everything() async throws {
        try await withLoad(attemptTimeout: .seconds(2)) { fleet, load in
            var processes: [Sandbox.Process] = []
            for id in ["w1", "w2", "w4", "w5"] { processes.append(try await fleet.start(id)) }
            processes.append(try await fleet.start("w3", failRate: 0.5))
            try await load.during(perSecond: 200) {
                try await seconds(2)
                let quiet = load.tally
                processes[0].child.send(SIGKILL)
                try await seconds(2)
                try fleet.freeze(processes[1])
                try await seconds(2)
                processes[2].child.send(SIGTERM)
                try await seconds(2)
                fleet.server.process.child.send(SIGKILL)
                _ = await fleet.server.process.code()
                try await seconds(1)
                let before = load.tally
                try await seconds(19)
                print("registry away: \(before.tries) -> \(load.tally.tries)")
                let restarted = try await fleet.sandbox.serve(port: fleet.server.port)
                try await eventually("w5 is up again") {
                    try await fleet.sandbox.status("web", "w5", at: restarted) == "up"
                }
                try await seconds(2)
                try fleet.thaw(processes[1])
                print("before the faults: \(quiet.calls) calls, \(quiet.latency)")
            }
            let tally = load.tally
            print("with the faults: \(tally.calls) calls, \(tally.retries) retries, \(tally.latency)")
            #expect(tally.failures == [])
            #expect(tally.calls > 1000)
        }
    }

    @Test("no call fails or is repeated while all instances are restarted, one after the other")
    func rollingRestart() async throws {
        try await withLoad(attemptTimeout: .seconds(5)) { fleet, load in
            let ids = ["w1", "w2", "w3", "w4", "w5"]
            var processes: [Sandbox.Process] = []
            for id in ids { processes.append(try await fleet.start(id)) }
            try await load.during(perSecond: 200) {
                for (number, id) in ids.enumerated() {
                    processes[number].child.send(SIGTERM)
                    _ = await processes[number].code()
                    processes[number] = try await fleet.start(id)
                }
            }
            let tally = load.tally
            print("rolling restart: \(tally.calls) calls, \(tally.retries) retries, \(tally.latency)")
            #expect(tally.failures == [])
            #expect(tally.retries == 0)
            #expect(tally.calls > 500)
        }
    }

    /// Lets the load run on for so long.
    private func seconds(_ count: Int) async throws {
        // What the test is about is what calls meet in this time.
        try await Task.sleep(for: .seconds(count))
    }
}
