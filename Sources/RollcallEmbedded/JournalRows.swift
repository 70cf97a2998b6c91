// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB
internal import GRDBSQLite
internal import Rollcall

/// A batch as it is written: encoded, and in the order of the keys, so that neighbours in the index are written
/// together.
struct JournalRows: Sendable {
    private struct Row: Sendable {
        /// The service, or the space.
        var group: String
        /// The identifier, or the name.
        var name: String
        /// `nil` removes the row.
        var body: [UInt8]?

        static func precedes(_ left: Row, _ right: Row) -> Bool {
            left.group == right.group ? left.name < right.name : left.group < right.group
        }
    }

    private var instances: [Row] = []
    private var records: [Row] = []
    private let revisionCeiling: Revision?
    private let hasRemovals: Bool

    private static let storeInstance = """
        INSERT INTO instance (service, id, body) VALUES (?, ?, ?) \
        ON CONFLICT (service, id) DO UPDATE SET body = excluded.body
        """
    private static let removeInstance = "DELETE FROM instance WHERE service = ? AND id = ?"
    private static let storeRecord = """
        INSERT INTO record (space, name, body) VALUES (?, ?, ?) \
        ON CONFLICT (space, name) DO UPDATE SET body = excluded.body
        """
    private static let removeRecord = "DELETE FROM record WHERE space = ? AND name = ?"

    init(_ batch: JournalBatch) {
        instances.reserveCapacity(batch.stored.count + batch.removed.count)
        for instance in batch.stored {
            let body = instance.jsonBytes(includingShadows: true)
            instances.append(Row(group: instance.service.folded, name: instance.id.value, body: body))
        }
        for key in batch.removed { instances.append(Row(group: key.service.folded, name: key.id.value, body: nil)) }
        instances.sort(by: Row.precedes)
        records = batch.records.map { Row(group: $0.key.space, name: $0.key.name, body: $0.body) }
        records.sort(by: Row.precedes)
        revisionCeiling = batch.revisionCeiling
        hasRemovals = !batch.removed.isEmpty || records.contains { $0.body == nil }
    }

    /// Writes the rows, inside a transaction of the caller.
    func write(to database: Database) throws {
        try Self.write(instances, to: database, Self.storeInstance, Self.removeInstance, bodies: .text)
        try Self.write(records, to: database, Self.storeRecord, Self.removeRecord, bodies: .bytes)
        if let revisionCeiling { try Meta.revision.write(Int(clamping: revisionCeiling.value), database) }
        if hasRemovals { try RegistrySchema.shrink(database) }
    }

    private static func write(
        _ rows: [Row], to database: Database, _ store: String, _ remove: String, bodies: BoundStatement.Bodies
    ) throws {
        guard !rows.isEmpty else { return }
        let store = try BoundStatement(database, store, bodies)
        let remove = try BoundStatement(database, remove, bodies)
        for row in rows {
            if let body = row.body {
                try store.run(row.group, row.name, body)
            } else {
                try remove.run(row.group, row.name, nil)
            }
        }
    }
}

/// A prepared statement whose two texts and body are bound without a copy: SQLite reads them during the step only.
private struct BoundStatement {
    /// How the third parameter is stored.
    enum Bodies {
        case text
        case bytes
    }

    private let statement: Statement
    private let bodies: Bodies
    private let connection: SQLiteConnection?
    private let sql: String

    init(_ database: Database, _ sql: String, _ bodies: Bodies) throws {
        statement = try database.cachedStatement(sql: sql)
        connection = database.sqliteConnection
        self.sql = sql
        self.bodies = bodies
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
        if result == SQLITE_OK, let third { result = bodies == .text ? bind(3, third) : bindBytes(3, third) }
        guard result == SQLITE_OK else { return result }
        result = sqlite3_step(raw)
        // The code of a failed step is returned again by the reset, and stays the connection's last error.
        sqlite3_reset(raw)
        return result
    }

    private func bindBytes(_ index: Int32, _ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        guard let address = bytes.baseAddress, !bytes.isEmpty else {
            return sqlite3_bind_zeroblob(statement.sqliteStatement, index, 0)
        }
        return sqlite3_bind_blob(statement.sqliteStatement, index, address, Int32(bytes.count), nil)
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
