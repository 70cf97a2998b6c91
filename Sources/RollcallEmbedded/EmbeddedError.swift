// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Why the file of a registry cannot be used. The message names the file, what is wrong with it, and what to do.
public struct EmbeddedError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, to be told apart by a program.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case badPath, notReadable, notWritable, locked, notADatabase, foreign, damaged, unreadableRow, newerSchema,
                storageFull, storage
        }
        private let kind: Kind

        /// The path names something that is not a file, or a directory that is not there and cannot be made.
        public static let badPath = Code(kind: .badPath)
        /// The file is there, and this process may not read it.
        public static let notReadable = Code(kind: .notReadable)
        /// The file, or the directory for it, is there, and this process may not write to it.
        public static let notWritable = Code(kind: .notWritable)
        /// Another registry has the file open.
        public static let locked = Code(kind: .locked)
        /// The file is not a SQLite database.
        public static let notADatabase = Code(kind: .notADatabase)
        /// The file is a SQLite database of another program.
        public static let foreign = Code(kind: .foreign)
        /// Parts of the file are missing or overwritten.
        public static let damaged = Code(kind: .damaged)
        /// The row of one instance does not hold an instance, or that of a record no record.
        public static let unreadableRow = Code(kind: .unreadableRow)
        /// A later version of Rollcall wrote the file.
        public static let newerSchema = Code(kind: .newerSchema)
        /// No room on the disk.
        public static let storageFull = Code(kind: .storageFull)
        /// Anything else that reading or writing the file came to.
        public static let storage = Code(kind: .storage)

        public var description: String { kind.rawValue }
    }

    /// For decisions; ``problem`` and ``advice`` are for people.
    public let code: Code
    /// The file that was to be opened.
    public let file: String
    /// What is wrong with it.
    public let problem: String
    /// What can be done.
    public let advice: String

    init(_ code: Code, _ file: String, _ problem: String, _ advice: String) {
        self.code = code
        self.file = file
        self.problem = problem
        self.advice = advice
    }

    public var description: String { "cannot open the registry file \(file): \(problem); \(advice)" }
}
