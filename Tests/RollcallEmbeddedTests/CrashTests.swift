// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded
import RollcallTesting
import Testing

@Suite("A process that is killed while it writes")
struct CrashTests {
    private static let rounds = 20
    private static let roundsPerFile = 4
    private static let writers = 1000

    @Test("loses nothing that it acknowledged, and doubles nothing", .timeLimit(.minutes(5)))
    func kill() async throws {
        let seed: UInt64 = 20_260_131
        var random = SeededGenerator(seed: seed)
        var folder = try TemporaryFolder()
        var acknowledged: Set<String> = []
        var revision = Revision.zero

        for round in 0..<Self.rounds {
            if round % Self.roundsPerFile == 0 {
                folder = try TemporaryFolder()
                acknowledged = []
                revision = .zero
            }
            let writer = try WriterProcess(folder.path, prefix: "round-\(round)", writers: Self.writers)
            let moment = Int.random(in: 2...2500, using: &random)
            let lines = await writer.lines(killAfter: moment)
            #expect(lines.first == "open", "round \(round), seed \(seed): \(lines.first ?? "nothing was said")")
            #expect(lines.count >= moment, "round \(round), seed \(seed): it ended before it was killed")
            acknowledged.formUnion(lines.dropFirst())

            let fixture = try await EmbeddedFixture(in: folder)
            let instances = fixture.instances
            let found = Set(instances.map(\.id.value))
            let comment: Comment = "round \(round), seed \(seed), killed after \(moment) lines"
            #expect(acknowledged.subtracting(found).isEmpty, comment)
            // What was written and not acknowledged is at most one instance a writer and round.
            #expect(found.subtracting(acknowledged).count <= Self.writers * Self.roundsPerFile, comment)
            #expect(found.count == instances.count, comment)
            #expect(Set(instances.map(\.incarnation)).count == instances.count, comment)
            #expect(fixture.registry.catalog.revision > revision, comment)
            revision = fixture.registry.catalog.revision
            try await fixture.close()
        }
    }
}
