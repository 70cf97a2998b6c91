// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB
internal import GRDBSQLite
internal import Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

extension DatabaseError {
    /// What the connection says of the call that just failed.
    init(of connection: SQLiteConnection?, _ sql: String) {
        self.init(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(connection)),
            message: String(cString: sqlite3_errmsg(connection)), sql: sql)
    }

    /// SQLite's words, and the number to look up.
    fileprivate var text: String { "\(message ?? "no message") (SQLite result \(extendedResultCode.rawValue))" }
}

extension RegistryError {
    /// A write that SQLite could not make durable.
    ///
    /// - Parameter systemError: `errno` of the last call of the system that failed, for the kinds of a full disk that
    ///   SQLite knows as failed input and output only.
    init(_ error: any Error, writing file: String, systemError: Int32) {
        guard let error = error as? DatabaseError else {
            self.init(.storage, "writing \(file) failed", retry: .after(.seconds(1)), cause: error)
            return
        }
        switch error.resultCode {
        case _ where Self.isFull(error, systemError):
            self.init(
                .storageFull, "no room to write \(file): make room on its disk, or raise its limit; \(error.text)",
                retry: .after(.seconds(5)))
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .storage, "writing \(file) failed: another program has it locked; \(error.text)",
                retry: .after(.seconds(1)))
        default:
            self.init(.storage, "writing \(file) failed: \(error.text)", retry: .after(.seconds(5)))
        }
    }

    private static func isFull(_ error: DatabaseError, _ systemError: Int32) -> Bool {
        error.resultCode == .SQLITE_FULL
            || error.resultCode == .SQLITE_IOERR && [ENOSPC, EDQUOT, EFBIG].contains(systemError)
    }
}

extension EmbeddedError {
    /// What came of opening or reading `file` with SQLite.
    init(_ error: any Error, opening file: String) {
        guard let error = error as? DatabaseError else {
            self.init(.storage, file, "reading it failed (\(error))", "check the disk")
            return
        }
        switch error.resultCode {
        case .SQLITE_NOTADB:
            self.init(
                .notADatabase, file, "it is not a SQLite database",
                "name another file, or move this one away to begin a new registry")
        case .SQLITE_CORRUPT: self = .damaged(file, error.text)
        case .SQLITE_READONLY:
            self.init(.notWritable, file, error.text, "make the file and its directory writable")
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH:
            self.init(.notReadable, file, error.text, "make the file and its directory readable and writable")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(.locked, file, "another program has it locked", "end that program, such as a sqlite3 shell")
        case .SQLITE_FULL: self.init(.storageFull, file, error.text, "make room on the disk")
        default: self.init(.storage, file, error.text, "check the disk and the system's log")
        }
    }
}
