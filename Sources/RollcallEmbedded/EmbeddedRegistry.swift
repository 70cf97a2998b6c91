// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Logging
public import Rollcall

/// The registry that keeps its instances in a SQLite file: what it has acknowledged survives the process and a
/// loss of power.
public enum EmbeddedRegistry {
    /// How the file is kept.
    public struct Storage: Sendable, Hashable {
        /// The file does not grow beyond this; registrations that do not fit are refused as `storageFull`.
        /// Not less than 64 KiB. `nil` leaves it to the disk.
        public var maximumFileBytes: Int?

        /// - Parameter maximumFileBytes: `nil` leaves it to the disk.
        public init(maximumFileBytes: Int? = nil) {
            self.maximumFileBytes = maximumFileBytes
        }
    }

    /// Opens the registry kept at `path`, or begins a new one when there is none. Every instance gets a full lease from
    /// now.
    ///
    /// - Parameters:
    ///   - path: A file when it ends in `.db`, `.sqlite` or `.sqlite3`; else a directory, in which the file is
    ///     `rollcall.db`. Directories that are missing are made.
    ///   - time: The time that leases run by.
    /// - Throws: Why the file cannot be used, and what to do. Nothing in it was changed then.
    public static func open(
        path: String, storage: Storage = Storage(),
        configuration: LocalRegistry.Configuration = LocalRegistry.Configuration(), time: TimeSource = .system,
        logger: Logger = Logger(label: "rollcall.embedded")
    ) async throws(EmbeddedError) -> LocalRegistry {
        let file = try RegistryFile(path: path)
        try file.checkAccess()
        let lock = try FileLock(guarding: file)
        try file.checkHeader()
        let journal = try await SQLiteJournal(file: file, lock: lock, storage: storage, logger: logger)
        let recovered = try await journal.recover(at: time.wallTime())
        logger.info(
            "registry opened",
            metadata: [
                "file": "\(file.path)", "instances": "\(recovered.instances.count)",
                "revision": "\(recovered.revision)",
            ])
        return LocalRegistry(
            recovered: recovered, journal: journal, configuration: configuration, time: time, logger: logger)
    }
}
