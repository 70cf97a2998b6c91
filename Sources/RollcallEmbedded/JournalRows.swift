// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB
internal import GRDBSQLite
internal import Rollcall

/// A batch as it is written: encoded, and in the order of the keys, so that neighbours in the index are written
/// together.
struct JournalRows: Sendable {
    private struct Row: Sendable {
        var service: String
        var id: String
        /// `nil` removes the row.
        var body: [UInt8]?
    }

    private var rows: [Row] = []
    private let revisionCeiling: Revision?
    private let hasRemovals: Bool

    private static let store = """
        INSERT INTO instance (service, id, body) VALUES (?, ?, ?) \
        ON CONFLICT (service, id) DO UPDATE SET body = excluded.body
        """
    private static let remove = "DELETE FROM instance WHERE service = ? AND id = ?"

    init(_ batch: JournalBatch) {
        rows.reserveCapacity(batch.stored.count + batch.removed.count)
        for instance in batch.stored {
            let body = instance.jsonBytes(includingShadows: true)
            rows.append(Row(service: instance.service.folded, id: instance.id.value, body: body))
        }
        for key in batch.removed { rows.append(Row(service: key.service.folded, id: key.id.value, body: nil)) }
        rows.sort { $0.service == $1.service ? $0.id < $1.id : $0.service < $1.service }
        revisionCeiling = batch.revisionCeiling
        hasRemovals = !batch.removed.isEmpty
    }

    /// Writes the rows, inside a transaction of the caller.
    func write(to database: Database) throws {
        let store = try BoundStatement(database, Self.store)
        let remove = try BoundStatement(database, Self.remove)
        for row in rows {
            if let body = row.body {
                try store.run(row.service, row.id, body)
            } else {
                try remove.run(row.service, row.id, nil)
            }
        }
        if let revisionCeiling { try Meta.revision.write(Int(clamping: revisionCeiling.value), database) }
        if hasRemovals { try RegistrySchema.shrink(database) }
    }
}

/// A prepared statement whose two or three texts are bound without a copy: SQLite reads them during the step only.
private struct BoundStatement {
    private let statement: Statement
    private let connection: SQLiteConnection?
    private let sql: String

    init(_ database: Database, _ sql: String) throws {
        statement = try database.cachedStatement(sql: sql)
        connection = database.sqliteConnection
        self.sql = sql
    }

    func run(_ first: String, _ second: String, _ third: [UInt8]?) throws {
        var (first, second) = (first, second)
        let result = first.withUTF8 { first in
            second.withUTF8 { second in
                guard let third else { return step(first, second, nil) }
                return third.withUnsafeBufferPointer { step(first, second, $0) }
            }
        }
        guard result == SQLITE_DONE else { throw DatabaseError(of: connection, sql) }
    }

    private func step(
        _ first: UnsafeBufferPointer<UInt8>, _ second: UnsafeBufferPointer<UInt8>, _ third: UnsafeBufferPointer<UInt8>?
    ) -> Int32 {
        let raw = statement.sqliteStatement
        var result = bind(1, first)
        if result == SQLITE_OK { result = bind(2, second) }
        if result == SQLITE_OK, let third { result = bind(3, third) }
        guard result == SQLITE_OK else { return result }
        result = sqlite3_step(raw)
        // The code of a failed step is returned again by the reset, and stays the connection's last error.
        sqlite3_reset(raw)
        return result
    }

    private func bind(_ index: Int32, _ text: UnsafeBufferPointer<UInt8>) -> Int32 {
        // An empty buffer may have no address, which would bind NULL.
        guard let address = text.baseAddress, !text.isEmpty else {
            return sqlite3_bind_text(statement.sqliteStatement, index, "", 0, nil)
        }
        return address.withMemoryRebound(to: CChar.self, capacity: text.count) {
            sqlite3_bind_text(statement.sqliteStatement, index, $0, Int32(text.count), nil)
        }
    }
}
