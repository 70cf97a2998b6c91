// SPDX-License-Identifier: Apache-2.0
// Rollcall

import GRDB
import Rollcall
import RollcallEmbedded
import RollcallTesting
import Testing

@Suite("Records in the embedded registry", .timeLimit(.minutes(2)))
struct RecordStorageTests {
    private func key(_ name: String) -> RecordKey { RecordKey(space: "test", name: name) }

    private func store(_ fixture: EmbeddedFixture, _ records: [Rollcall.Record]) async throws {
        try await fixture.registry.commit(revisions: 1) { _ in
            records.map { RecordWrite(key: $0.key, body: $0.body) }
        }
    }

    private func edit(_ folder: TemporaryFolder, _ sql: String) throws {
        let queue = try DatabaseQueue(path: folder.path("rollcall.db"))
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }

    @Test("are found after a crash as soon as the commit was answered, and above it revisions go on")
    func crash() async throws {
        let first = try await EmbeddedFixture()
        let odd = [
            Rollcall.Record(key: key("e\u{301}"), body: []), Rollcall.Record(key: key("\u{e9}"), body: [0, 255, 0]),
            Rollcall.Record(key: key(""), body: Array("empty name".utf8)),
            Rollcall.Record(key: key("nul\u{0}in it"), body: [UInt8](repeating: 7, count: 600_000)),
        ]
        try await store(first, odd)
        try await store(first, [Rollcall.Record(key: key("gone"), body: [1])])
        try await first.registry.register(web("a"))
        let last = try await first.registry.commit(revisions: 200_000) { _ in
            [RecordWrite(key: key("gone"), body: nil)]
        }
        let copy = try first.folder.copy()

        let second = try await EmbeddedFixture(in: copy)
        #expect(Set(second.registry.records(in: "test")) == Set(odd))
        #expect(second.registry.catalog.revision.value >= last.value + 199_999)
        #expect(second.instances.count == 1)
        try await second.close()
        try await first.close()

        let third = try await EmbeddedFixture(in: first.folder)
        #expect(Set(third.registry.records(in: "test")) == Set(odd))
        #expect(third.registry.catalog.revision.value == last.value + 199_999)
        try await third.close()
    }

    @Test("find a file of the first version as it was, and it is brought to this one")
    func migration() async throws {
        let first = try await EmbeddedFixture()
        try await first.registry.register(web("a"))
        let instances = first.instances
        let revision = first.registry.catalog.revision
        try await first.close()
        try edit(first.folder, "DROP TABLE record; UPDATE meta SET value = 1 WHERE name = 'schema_version'")

        let second = try await EmbeddedFixture(in: first.folder)
        #expect(second.instances == instances)
        #expect(second.registry.catalog.revision == revision)
        try await store(second, [Rollcall.Record(key: key("a"), body: [1])])
        try await second.close()

        let third = try await EmbeddedFixture(in: first.folder)
        #expect(third.registry.records(in: "test") == [Rollcall.Record(key: key("a"), body: [1])])
        #expect(third.instances == instances)
        try await third.close()
    }

    @Test("that are damaged keep the file from being opened, and are named", arguments: [
        "UPDATE record SET body = 'text' WHERE name = 'b'",
        "UPDATE record SET space = CAST(x'ff' AS TEXT) WHERE name = 'b'",
        "UPDATE record SET space = x'00' WHERE name = 'b'",
    ])
    func damaged(_ change: String) async throws {
        let first = try await EmbeddedFixture()
        try await store(first, ["a", "b", "c"].map { Rollcall.Record(key: key($0), body: [1]) })
        try await first.close()
        try edit(first.folder, change)
        do {
            await (try EmbeddedRegistry.open(path: first.folder.path)).shutdown()
            Issue.record("a damaged row was accepted")
        } catch {
            #expect(error.code == .unreadableRow)
            #expect(error.problem.contains("/b"), "\(error)")
        }
    }

    @Test("that were acknowledged survive a kill, both of a pair or none, at revisions of their own")
    func kill() async throws {
        let seed: UInt64 = 41
        var random = SeededGenerator(seed: seed)
        let folder = try TemporaryFolder()
        var acknowledged: Set<String> = []
        var revision = Revision.zero
        for round in 0..<6 {
            let writer = try WriterProcess(recordsIn: folder.path, prefix: "round-\(round)", writers: 100)
            let moment = Int.random(in: 2...1500, using: &random)
            let lines = await writer.lines(killAfter: moment)
            #expect(lines.first == "open", "round \(round), seed \(seed): \(lines.first ?? "nothing was said")")
            #expect(lines.count >= moment, "round \(round), seed \(seed): it ended before it was killed")
            acknowledged.formUnion(lines.dropFirst())

            let fixture = try await EmbeddedFixture(in: folder)
            let (left, right) = (fixture.registry.records(in: "left"), fixture.registry.records(in: "right"))
            let names = Set(left.map(\.key.name))
            let comment: Comment = "round \(round), seed \(seed), killed after \(moment) lines"
            #expect(names == Set(right.map(\.key.name)), comment)
            let instances = Set(fixture.instances.map(\.id.value))
            #expect(acknowledged.subtracting(names).subtracting(instances).isEmpty, comment)
            // Bodies hold the revisions they were committed with.
            let revisions = (left + right).map { String(decoding: $0.body, as: UTF8.self) }
            let all = revisions + fixture.instances.map { "\($0.incarnation)" }
            #expect(Set(all).count == all.count, comment)
            #expect(fixture.registry.catalog.revision > revision, comment)
            #expect(all.allSatisfy { (UInt64($0) ?? .max) <= fixture.registry.catalog.revision.value }, comment)
            revision = fixture.registry.catalog.revision
            try await fixture.close()
        }
    }
}
