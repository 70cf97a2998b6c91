// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB
internal import GRDBSQLite
internal import Rollcall

/// Reads the table of records.
enum RecordRows {
    /// A row that does not hold a record.
    struct Unreadable: Error {
        let number: Int64
        let space: String
        let name: String
        let problem: String
    }

    private static let sql = "SELECT number, space, name, body FROM record ORDER BY number"

    /// - Returns: All records; or the first row that is none.
    static func read(_ database: Database) throws -> ([Rollcall.Record], Unreadable?) {
        var records: [Rollcall.Record] = []
        let raw = try database.cachedStatement(sql: sql).sqliteStatement
        defer { sqlite3_reset(raw) }
        while true {
            switch sqlite3_step(raw) {
            case SQLITE_ROW:
                switch record(raw) {
                case .success(let record): records.append(record)
                case .failure(let problem): return ([], problem)
                }
            case SQLITE_DONE: return (records, nil)
            default: throw DatabaseError(of: database.sqliteConnection, sql)
            }
        }
    }

    private static func record(_ raw: SQLiteStatement) -> Result<Rollcall.Record, Unreadable> {
        // The kinds before the values: reading a value as a text converts it.
        let areTexts = [1, 2].allSatisfy { sqlite3_column_type(raw, $0) == SQLITE_TEXT }
        let isBlob = sqlite3_column_type(raw, 3) == SQLITE_BLOB
        let (space, name) = (text(raw, 1), text(raw, 2))
        func unreadable(_ problem: String) -> Result<Rollcall.Record, Unreadable> {
            let (space, name) = (space ?? "?", name ?? "?")
            return .failure(
                Unreadable(number: sqlite3_column_int64(raw, 0), space: space, name: name, problem: problem))
        }
        guard areTexts, let space, let name else { return unreadable("its key is not a text in UTF-8") }
        guard isBlob else { return unreadable("its body is not a BLOB") }
        return .success(Rollcall.Record(key: RecordKey(space: space, name: name), body: bytes(raw, 3)))
    }

    private static func text(_ statement: SQLiteStatement, _ column: Int32) -> String? {
        guard let address = sqlite3_column_text(statement, column) else { return nil }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(validating: UnsafeBufferPointer(start: address, count: count), as: UTF8.self)
    }

    private static func bytes(_ statement: SQLiteStatement, _ column: Int32) -> [UInt8] {
        guard let address = sqlite3_column_blob(statement, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: address, count: Int(sqlite3_column_bytes(statement, column))))
    }
}

extension EmbeddedError {
    static func unreadableRow(_ file: String, _ row: RecordRows.Unreadable) -> EmbeddedError {
        EmbeddedError(
            .unreadableRow, file,
            "row \(row.number), record \(row.space)/\(row.name), cannot be read: \(row.problem)",
            "restore the file from a backup, or remove that row from its table \"record\" with sqlite3")
    }
}
