// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import GRDB
internal import GRDBSQLite
internal import Logging
internal import Rollcall

/// A journal in a SQLite file. One batch is one transaction, and one `fdatasync` of the write-ahead log.
final class SQLiteJournal: Journal {
    private let file: RegistryFile
    /// Released after the database: it is the last to be given up.
    private let lock: FileLock
    private let queue: DatabaseQueue
    private let logger: Logger

    /// Opens the file, or makes it.
    init(file: RegistryFile, lock: FileLock, storage: EmbeddedRegistry.Storage, logger: Logger)
        async throws(EmbeddedError)
    {
        self.file = file
        self.lock = lock
        self.logger = logger
        do {
            var configuration = GRDB.Configuration()
            configuration.label = "rollcall.journal"
            // For a shell that someone looks into the file with: longer than any of its statements, shorter than a
            // caller waits.
            configuration.busyMode = .timeout(2)
            queue = try DatabaseQueue(path: file.path, configuration: configuration)
            let standing = try await queue.writeWithoutTransaction { try RegistrySchema.standing(in: $0) }
            switch standing {
            case .foreign:
                throw EmbeddedError(
                    .foreign, file.path, "it is a SQLite database of another program", "name another file")
            case .newer(let version):
                throw EmbeddedError(
                    .newerSchema, file.path,
                    "a later version of Rollcall wrote it "
                        + "(schema \(version), this one knows \(RegistrySchema.version))",
                    "use that version, or restore a backup made before it")
            case .empty, .registry: break
            }
            let isNew = if case .empty = standing { true } else { false }
            try await queue.writeWithoutTransaction { [maximum = storage.maximumFileBytes] database in
                try RegistrySchema.prepare(database, isNew: isNew, maximumFileBytes: maximum)
            }
        } catch let error as EmbeddedError {
            throw error
        } catch {
            throw EmbeddedError(error, opening: file.path)
        }
    }

    /// Reads everything, and brings the file to this version of the schema.
    ///
    /// - Parameter wallTime: Now.
    func recover(at wallTime: WallTime) async throws(EmbeddedError) -> RecoveredState {
        let recovered = try await Recovery(queue: queue, file: file.path, wallTime: wallTime).run()
        do {
            try await queue.writeWithoutTransaction { try RegistrySchema.migrate($0) }
        } catch {
            throw EmbeddedError(error, opening: file.path)
        }
        return recovered
    }

    func append(_ batch: JournalBatch) async throws(RegistryError) {
        // Encoded before the hop to the queue of the database.
        let rows = JournalRows(batch)
        let path = file.path
        // Not GRDB's async methods: they give up when the task is cancelled, and an accepted write is to be finished.
        let result: Result<Void, RegistryError> = await withCheckedContinuation { continuation in
            queue.asyncWriteWithoutTransaction { database in
                do {
                    try Self.write(rows, to: database)
                    continuation.resume(returning: .success(()))
                } catch {
                    let systemError = sqlite3_system_errno(database.sqliteConnection)
                    let failure = RegistryError(error, writing: path, systemError: systemError)
                    continuation.resume(returning: .failure(failure))
                }
            }
        }
        try result.get()
    }

    private static func write(_ rows: JournalRows, to database: Database) throws {
        var isCommitting = false
        do {
            try database.inTransaction(.immediate) {
                try rows.write(to: database)
                isCommitting = true
                return .commit
            }
        } catch {
            if isCommitting { try? overwriteFailedCommit(database) }
            throw error
        }
    }

    /// A commit that fails while the log is synchronised may have left a complete transaction in the log, which a start
    /// after a crash would take for a durable one. The next commit overwrites its first page and with it the chain of
    /// checksums. That need not wait for the next write: this one takes no more room than the failed one did.
    private static func overwriteFailedCommit(_ database: Database) throws {
        try database.inTransaction(.immediate) {
            try Meta.failedCommits.write((try Meta.failedCommits.read(database) ?? 0) + 1, database)
            return .commit
        }
    }

    func close() async {
        await withCheckedContinuation { continuation in
            queue.asyncWriteWithoutTransaction { [logger, file] database in
                do {
                    _ = try database.checkpoint(.truncate)
                } catch {
                    // The log is kept, and the next start reads it.
                    logger.warning("the log was not moved into \(file.path): \(error)")
                }
                continuation.resume()
            }
        }
        do { try queue.close() } catch { logger.warning("closing \(file.path) failed: \(error)") }
        lock.release()
    }
}
