// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB
internal import Rollcall

/// Reads what a file holds at a start: portions of rows are read one after the other and decoded side by side.
struct Recovery: Sendable {
    let queue: DatabaseQueue
    let file: String
    /// For a file that no registry has used yet.
    let wallTime: WallTime

    private static let rowsPerPortion = 2048
    /// Portions in memory at once, of about 1 MB each: one is read while the others are decoded.
    private static let portionsAtOnce = 5

    func run() async throws(EmbeddedError) -> RecoveredState {
        try await check()
        var state = RecoveredState()
        guard let revision = try await read({ try Meta.revision.read($0) }) else { return .begun(at: wallTime) }
        state.revision = Revision(UInt64(clamping: revision))
        state.instances = try await instances()
        state.records = try await records()
        for instance in state.instances { state.revision = max(state.revision, instance.revision) }
        return state
    }

    /// Follows all pages of the file, without comparing the index with the table.
    private func check() async throws(EmbeddedError) {
        let report = try await read { try String.fetchAll($0, sql: "PRAGMA quick_check(3)") }
        guard report == ["ok"] else { throw .damaged(file, report.joined(separator: "; ")) }
    }

    private func instances() async throws(EmbeddedError) -> [ServiceInstance] {
        let result = await withTaskGroup(of: Result<[ServiceInstance], EmbeddedError>.self) { group in
            var instances: [ServiceInstance] = []
            var isReading = true
            var last: Int64 = .min
            var decoding = 0
            do throws(EmbeddedError) {
                while isReading || decoding > 0 {
                    if isReading {
                        let portion = try await read { [last] in
                            try InstancePortion($0, after: last, Self.rowsPerPortion)
                        }
                        isReading = portion.count == Self.rowsPerPortion
                        last = portion.lastNumber
                        decoding += 1
                        group.addTask { [file] in portion.decoded(file) }
                    }
                    if !isReading || decoding >= Self.portionsAtOnce, let decoded = await group.next() {
                        decoding -= 1
                        instances += try decoded.get()
                    }
                }
                return Result<_, EmbeddedError>.success(instances)
            } catch {
                group.cancelAll()
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func records() async throws(EmbeddedError) -> [Rollcall.Record] {
        let (records, bad) = try await read { database -> ([Rollcall.Record], RecordRows.Unreadable?) in
            guard let version = try Meta.schemaVersion.read(database), version >= 2 else { return ([], nil) }
            return try RecordRows.read(database)
        }
        if let bad { throw .unreadableRow(file, bad) }
        return records
    }

    private func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value)
        async throws(EmbeddedError) -> Value
    {
        do {
            return try await queue.writeWithoutTransaction(body)
        } catch {
            throw EmbeddedError(error, opening: file)
        }
    }
}
