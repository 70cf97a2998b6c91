// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded
import RollcallTesting
import Testing

@Suite("The file of the embedded registry", .timeLimit(.minutes(1)))
struct FileGrowthTests {
    @Test("shares commits between writes that come together")
    func groupCommit() async throws {
        let fixture = try await EmbeddedFixture()
        let registry = fixture.registry
        try await withThrowingDiscardingTaskGroup { group in
            for number in 0..<1000 {
                group.addTask { try await registry.register(web("web-\(number)")) }
            }
        }
        let statistics = registry.statistics
        #expect(statistics.changes[.registered] == 1000)
        #expect(statistics.commits >= 1)
        #expect(statistics.commits < 500)
        try await fixture.close()
    }

    @Test("is not written by heartbeats")
    func heartbeats() async throws {
        let fixture = try await EmbeddedFixture()
        try await fixture.registry.register(web("a"))
        let commits = fixture.registry.statistics.commits
        for _ in 0..<100 {
            #expect(try await fixture.registry.heartbeat(web("a").key) == .renewed)
        }
        #expect(fixture.registry.statistics.commits == commits)
        try await fixture.close()
    }

    @Test("stays small over many updates, and so does its log")
    func updates() async throws {
        let fixture = try await EmbeddedFixture()
        let registry = fixture.registry
        let notes = String(repeating: "n", count: 3000)
        var logBytes = 0
        for round in 0..<120 {
            try await withThrowingDiscardingTaskGroup { group in
                for number in 0..<100 {
                    group.addTask {
                        var registration = web("web-\(number)", host: "host-\(round)")
                        registration.metadata = ["notes": notes]
                        try await registry.register(registration)
                    }
                }
            }
            logBytes = max(logBytes, try fixture.folder.bytes(of: "rollcall.db-wal"))
        }
        try await fixture.close()

        // 12,000 registrations of more than 3000 bytes are 36 MB; 100 instances are 300 KB.
        #expect(try fixture.folder.bytes(of: "rollcall.db") < 1 << 20)
        // The log begins anew after 16 MiB; the last transaction may exceed that.
        #expect(logBytes < 20 << 20)
    }

    @Test("gives room back when most of what it held is gone")
    func removals() async throws {
        let fixture = try await EmbeddedFixture()
        let registry = fixture.registry
        let notes = String(repeating: "n", count: 3000)
        func each(_ body: @escaping @Sendable (Int) async throws -> Void) async throws {
            try await withThrowingDiscardingTaskGroup { group in
                for number in 0..<6000 { group.addTask { try await body(number) } }
            }
        }
        try await each { number in
            var registration = web("web-\(number)")
            registration.metadata = ["notes": notes]
            try await registry.register(registration)
        }
        let copy = try fixture.folder.copy()
        let full = try copy.bytes(of: "rollcall.db") + copy.bytes(of: "rollcall.db-wal")
        #expect(full > 6000 * 3000)

        try await each { try await registry.deregister(web("web-\($0)").key) }
        for number in 0..<20 {
            try await registry.register(web("web-\(number)"))
            try await registry.deregister(web("web-\(number)").key)
        }
        try await fixture.close()

        // It may keep 4 MiB for what comes.
        #expect(try fixture.folder.bytes(of: "rollcall.db") < 6 << 20)
    }
}
