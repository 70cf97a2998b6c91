// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB

/// The tables of a registry file.
enum RegistrySchema {
    /// In the header of the file: it says that the database is a registry (`Roll`).
    static let applicationID = 0x526F_6C6C
    static let version = 2
    private static let pageBytes = 4096
    /// A checkpoint moves the log into the database when it has so many pages (16 MiB).
    private static let checkpointPages = 4096

    private static let tables = """
        CREATE TABLE meta (name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE instance (
            number INTEGER PRIMARY KEY,
            service TEXT NOT NULL, -- in lower case
            id TEXT NOT NULL,
            body TEXT NOT NULL, -- JSON
            UNIQUE (service, id)
        );
        """

    /// New in version 2.
    private static let recordTable = """
        CREATE TABLE record (
            number INTEGER PRIMARY KEY,
            space TEXT NOT NULL,
            name TEXT NOT NULL,
            body BLOB NOT NULL, -- means something to the owner of the space only
            UNIQUE (space, name)
        );
        """

    /// What the file is before it is used.
    enum Standing: Sendable {
        case empty
        case registry
        case foreign
        case newer(Int)
    }

    static func standing(in database: Database) throws -> Standing {
        let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
        guard application == applicationID else {
            let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            return application == 0 && tables == 0 ? .empty : .foreign
        }
        let version = try Meta.schemaVersion.read(database) ?? 0
        return version > Self.version ? .newer(version) : .registry
    }

    /// Sets the connection up; `isNew` also makes the tables.
    ///
    /// A commit is durable with `synchronous = FULL`: with less, the log is not synchronised at a commit.
    static func prepare(_ database: Database, isNew: Bool, maximumFileBytes: Int?) throws {
        if isNew { try database.execute(sql: "PRAGMA page_size = \(pageBytes); PRAGMA auto_vacuum = INCREMENTAL") }
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        guard mode == "wal" else {
            throw DatabaseError(
                resultCode: .SQLITE_IOERR,
                message: "no write-ahead log can be kept here (journal mode \(mode ?? "none"))")
        }
        try database.execute(
            sql: """
                PRAGMA synchronous = FULL;
                PRAGMA wal_autocheckpoint = \(checkpointPages);
                PRAGMA journal_size_limit = \(checkpointPages * pageBytes * 4);
                """)
        if let maximumFileBytes {
            try database.execute(sql: "PRAGMA max_page_count = \(max(16, maximumFileBytes / pageBytes))")
        }
        guard isNew else { return }
        try database.inTransaction(.immediate) {
            try database.execute(sql: tables + recordTable)
            try Meta.schemaVersion.write(version, database)
            try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            return .commit
        }
    }

    /// Brings a file of an earlier version to this one, after it was read: a file that cannot be used is left alone.
    static func migrate(_ database: Database) throws {
        guard try Meta.schemaVersion.read(database) == 1 else { return }
        try database.inTransaction(.immediate) {
            try database.execute(sql: recordTable)
            try Meta.schemaVersion.write(version, database)
            return .commit
        }
    }

    /// Gives pages that deletions have left empty back to the disk, a few at a time, when they are the greater part.
    static func shrink(_ database: Database) throws {
        let free = try Int.fetchOne(database.cachedStatement(sql: "PRAGMA freelist_count")) ?? 0
        guard free > keptPages else { return }
        let all = try Int.fetchOne(database.cachedStatement(sql: "PRAGMA page_count")) ?? 0
        if free * 2 > all { try database.execute(sql: "PRAGMA incremental_vacuum(\(shrinkPages))") }
    }

    private static let keptPages = 1024
    private static let shrinkPages = 512
}

/// A number that belongs to the whole file.
enum Meta: String {
    case schemaVersion = "schema_version"
    /// No higher revision was given out; see `JournalBatch.revisionCeiling`.
    case revision
    /// Counts commits that failed on their way to the disk; see `SQLiteJournal`.
    case failedCommits = "failed_commits"

    func read(_ database: Database) throws -> Int? {
        try Int.fetchOne(database, sql: "SELECT value FROM meta WHERE name = ?", arguments: [rawValue])
    }

    func write(_ value: Int, _ database: Database) throws {
        let statement = try database.cachedStatement(
            sql: "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value")
        try statement.execute(arguments: [rawValue, value])
    }
}
