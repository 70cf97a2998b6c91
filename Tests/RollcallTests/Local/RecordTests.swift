// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Synchronization
import Testing

/// A journal in memory that fails when it is told to.
private final class FailingJournal: Journal {
    private let state = Mutex<(isFailing: Bool, batches: [JournalBatch])>((false, []))

    func setFailing(_ isFailing: Bool) { state.withLock { $0.isFailing = isFailing } }

    var records: [RecordWrite] { state.withLock { $0.batches.flatMap(\.records) } }

    func append(_ batch: JournalBatch) async throws(RegistryError) {
        let isFailing = state.withLock { state in
            if !state.isFailing { state.batches.append(batch) }
            return state.isFailing
        }
        if isFailing { throw RegistryError(.storageFull, "no room") }
    }

    func close() async {}
}

@Suite("The records of a local registry", .timeLimit(.minutes(1)))
struct RecordTests {
    private func key(_ name: String) -> RecordKey { RecordKey(space: "test", name: name) }

    private func web(_ id: String) -> Registration {
        Registration(service: "web", id: InstanceID(id), host: "10.0.0.1", port: 80)
    }

    @Test("take revisions that no change and no other commit has")
    func revisions() async throws {
        let registry = LocalRegistry(recovered: RecoveredState())
        let taken = try await withThrowingTaskGroup(of: Range<UInt64>.self) { group in
            for number in 0..<300 {
                group.addTask {
                    if number.isMultiple(of: 3) {
                        let receipt = try await registry.register(web("\(number)"))
                        let revision = receipt.instance.revision.value
                        return revision..<revision + 1
                    }
                    let count = number % 7 + 1
                    let seen = Mutex(Revision.zero)
                    let first = try await registry.commit(revisions: count) { first in
                        seen.withLock { $0 = first }
                        return []
                    }
                    #expect(seen.withLock { $0 } == first)
                    return first.value..<first.value + UInt64(count)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let sorted = taken.sorted { $0.lowerBound < $1.lowerBound }
        #expect(sorted.first?.lowerBound == 1)
        for (one, next) in zip(sorted, sorted.dropFirst()) { #expect(one.upperBound == next.lowerBound) }
        #expect(registry.catalog.revision.value == (sorted.last?.upperBound ?? 0) - 1)
        await registry.shutdown()
    }

    @Test("wake no watch, and let one resume with the changes it missed", arguments: [WatchScope.all, .service("web")])
    func watches(_ scope: WatchScope) async throws {
        let registry = LocalRegistry(recovered: RecoveredState())
        let seen = try await registry.register(web("a")).instance.revision
        let wakes = Mutex(0)
        let observation = registry.catalog.observe(scope) { wakes.withLock { $0 += 1 } }
        let before = try await registry.commit(revisions: 5) { _ in [] }
        #expect(registry.catalog.revision.value == before.value + 4)
        #expect(wakes.withLock { $0 } == 0)

        let revision = try await registry.register(web("b")).instance.revision
        #expect(revision.value == before.value + 5)
        #expect(wakes.withLock { $0 } == 1)
        for resumed in [seen, before] {
            var watch = registry.watch(scope, from: resumed).makeAsyncIterator()
            guard case .changes(let changes) = await watch.next() else {
                Issue.record("resuming from \(resumed) did not tell the changes")
                continue
            }
            #expect(changes.changes.map(\.revision) == [revision])
        }
        _ = observation
        await registry.shutdown()
    }

    @Test("that cannot be stored are answered with the error, and take no revision")
    func failure() async throws {
        let journal = FailingJournal()
        let registry = LocalRegistry(recovered: RecoveredState(), journal: journal)
        try await registry.commit(revisions: 1) { _ in [RecordWrite(key: key("a"), body: [1])] }
        let revision = registry.catalog.revision

        journal.setFailing(true)
        await #expect(throws: RegistryError.self) {
            try await registry.commit(revisions: 4) { _ in [RecordWrite(key: key("a"), body: [2])] }
        }
        #expect(registry.catalog.revision == revision)
        #expect(registry.statistics.failedWrites == 1)

        journal.setFailing(false)
        let next = try await registry.commit(revisions: 1) { _ in [RecordWrite(key: key("a"), body: nil)] }
        #expect(next == revision.next)
        #expect(journal.records == [RecordWrite(key: key("a"), body: [1]), RecordWrite(key: key("a"), body: nil)])
        await registry.shutdown()
        await #expect(throws: RegistryError.self) { try await registry.commit(revisions: 1) { _ in [] } }
    }

    @Test("are compared by their bytes, and the last write of a commit counts")
    func bytes() async throws {
        let journal = FailingJournal()
        let registry = LocalRegistry(journal: journal)
        let (composed, decomposed) = (key("\u{e9}"), key("e\u{301}"))
        #expect(composed != decomposed)
        #expect(decomposed < composed)
        try await registry.commit(revisions: 1) { _ in
            [
                RecordWrite(key: composed, body: [1]), RecordWrite(key: decomposed, body: [2]),
                RecordWrite(key: composed, body: [3]),
            ]
        }
        let stored = journal.records.sorted { $0.key < $1.key }
        #expect(stored == [RecordWrite(key: decomposed, body: [2]), RecordWrite(key: composed, body: [3])])
        await registry.shutdown()
    }

    @Test("of a start are given out once, by space")
    func recovered() async {
        let record = Record(key: key("a"), body: [1])
        let registry = LocalRegistry(recovered: RecoveredState(records: [record]))
        let store: any RecordStore = registry
        #expect(registry.records != nil)
        #expect(store.records(in: "other").isEmpty)
        #expect(store.records(in: "test") == [record])
        #expect(store.records(in: "test").isEmpty)
        await registry.shutdown()
    }
}
