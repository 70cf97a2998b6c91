// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB
internal import GRDBSQLite
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
                        let portion = try await read { [last] in try RowPortion($0, after: last, Self.rowsPerPortion) }
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

/// Some rows of the table of instances, in one piece of memory.
private struct RowPortion: Sendable {
    private struct Row {
        var serviceEnd: Int
        var idEnd: Int
        var bodyEnd: Int
    }

    private var bytes: [UInt8] = []
    private var rows: [Row] = []
    private(set) var lastNumber: Int64

    private static let sql = "SELECT number, service, id, body FROM instance WHERE number > ? ORDER BY number LIMIT ?"

    var count: Int { rows.count }

    init(_ database: Database, after number: Int64, _ most: Int) throws {
        lastNumber = number
        rows.reserveCapacity(most)
        bytes.reserveCapacity(most * 640)
        let raw = try database.cachedStatement(sql: Self.sql).sqliteStatement
        defer { sqlite3_reset(raw) }
        sqlite3_bind_int64(raw, 1, number)
        sqlite3_bind_int64(raw, 2, Int64(most))
        while true {
            switch sqlite3_step(raw) {
            case SQLITE_ROW:
                lastNumber = sqlite3_column_int64(raw, 0)
                let serviceEnd = append(raw, 1)
                let idEnd = append(raw, 2)
                rows.append(Row(serviceEnd: serviceEnd, idEnd: idEnd, bodyEnd: append(raw, 3)))
            case SQLITE_DONE: return
            default: throw DatabaseError(of: database.sqliteConnection, Self.sql)
            }
        }
    }

    private mutating func append(_ statement: SQLiteStatement, _ column: Int32) -> Int {
        // The address before the length: asking for it is what converts a value that is not a text.
        if let address = sqlite3_column_text(statement, column) {
            let count = Int(sqlite3_column_bytes(statement, column))
            bytes.append(contentsOf: UnsafeBufferPointer(start: address, count: count))
        }
        return bytes.count
    }

    func decoded(_ file: String) -> Result<[ServiceInstance], EmbeddedError> {
        var instances: [ServiceInstance] = []
        instances.reserveCapacity(rows.count)
        var start = 0
        for row in rows {
            let service = bytes[start..<row.serviceEnd]
            let id = bytes[row.serviceEnd..<row.idEnd]
            do throws(JSONError) {
                let instance = try instance(row.idEnd..<row.bodyEnd)
                let key = instance.key
                guard key.service.folded.utf8.elementsEqual(service), key.id.value.utf8.elementsEqual(id) else {
                    return .failure(.unreadableRow(file, service, id, "it holds the instance \(key)"))
                }
                instances.append(instance)
            } catch {
                return .failure(.unreadableRow(file, service, id, "\(error)"))
            }
            start = row.bodyEnd
        }
        return .success(instances)
    }

    private func instance(_ range: Range<Int>) throws(JSONError) -> ServiceInstance {
        try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
            let body = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[range]))
            return try JSONReader.read(body) { reader throws(JSONError) in
                try ServiceInstance(from: &reader)
            }
        }
    }
}

extension EmbeddedError {
    fileprivate static func unreadableRow(
        _ file: String, _ service: ArraySlice<UInt8>, _ id: ArraySlice<UInt8>, _ problem: String
    ) -> EmbeddedError {
        let (service, id) = (String(decoding: service, as: UTF8.self), String(decoding: id, as: UTF8.self))
        return EmbeddedError(
            .unreadableRow, file, "the row of instance \(service)/\(id) cannot be read: \(problem)",
            "restore the file from a backup, or remove that row from its table \"instance\" with sqlite3")
    }
}
