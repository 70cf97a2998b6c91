// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB
internal import GRDBSQLite
internal import Rollcall

/// Some rows of the table of instances, in one piece of memory.
struct InstancePortion: Sendable {
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
    static func unreadableRow(
        _ file: String, _ service: ArraySlice<UInt8>, _ id: ArraySlice<UInt8>, _ problem: String
    ) -> EmbeddedError {
        let (service, id) = (String(decoding: service, as: UTF8.self), String(decoding: id, as: UTF8.self))
        return EmbeddedError(
            .unreadableRow, file, "the row of instance \(service)/\(id) cannot be read: \(problem)",
            "restore the file from a backup, or remove that row from its table \"instance\" with sqlite3")
    }
}
