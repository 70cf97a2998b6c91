// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The file of a registry: where it is, and whether it can be one at all before SQLite is asked.
struct RegistryFile: Sendable {
    let path: String
    private let directory: String

    static let defaultName = "rollcall.db"
    private static let fileEndings = [".db", ".sqlite", ".sqlite3"]
    /// What each SQLite file begins with (its file format, section 1.3).
    private static let magic = Array("SQLite format 3\0".utf8)
    private static let headerBytes = 100

    /// Finds the file that `path` means and makes the directories above it.
    init(path: String) throws(EmbeddedError) {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw EmbeddedError(.badPath, "\"\(path)\"", "this is no path", "name a directory, or a file ending in .db")
        }
        var trimmed = path[...]
        while trimmed.utf8.count > 1, trimmed.last == "/" { trimmed.removeLast() }
        if trimmed.utf8.count == path.utf8.count, Self.fileEndings.contains(where: path.hasSuffix) {
            let slash = trimmed.lastIndex(of: "/")
            let above = slash.map { $0 == trimmed.startIndex ? "/" : String(trimmed[..<$0]) } ?? "."
            self.path = path
            directory = above
        } else {
            self.path = trimmed == "/" ? "/\(Self.defaultName)" : "\(trimmed)/\(Self.defaultName)"
            directory = String(trimmed)
        }
        try makeDirectory(directory)
    }

    /// Makes `directory` and those above it; each one that is new is made durable in the one above.
    private func makeDirectory(_ directory: String) throws(EmbeddedError) {
        switch Self.kind(of: directory) {
        case .some(S_IFDIR): return
        case nil where errno == ENOENT: break
        case nil: throw failure(.notReadable, "\(directory) cannot be looked at", errno)
        default:
            throw EmbeddedError(
                .badPath, path, "\(directory) is a file, not a directory",
                "name a directory, or a file ending in .db")
        }
        let slash = directory.lastIndex(of: "/")
        let above = slash.map { $0 == directory.startIndex ? "/" : String(directory[..<$0]) } ?? "."
        if above != directory { try makeDirectory(above) }
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw failure(.badPath, "the directory \(directory) cannot be made", errno)
        }
        let descriptor = openFile(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 {
            fsync(descriptor)
            close(descriptor)
        }
    }

    /// Refuses what is not a file, or cannot be read or written.
    func checkAccess() throws(EmbeddedError) {
        switch Self.kind(of: path) {
        case .some(S_IFREG): break
        case nil where errno == ENOENT: return
        case nil: throw failure(.notReadable, "it cannot be looked at", errno)
        case .some(S_IFDIR):
            throw EmbeddedError(
                .badPath, path, "it is a directory", "name the directory that \(Self.defaultName) is in")
        default:
            throw EmbeddedError(
                .badPath, path, "it is not an ordinary file", "name a directory, or a file ending in .db")
        }
        guard access(path, R_OK) == 0 else { throw failure(.notReadable, "it cannot be read", errno) }
        guard access(path, W_OK) == 0 else { throw failure(.notWritable, "it cannot be written", errno) }
        guard access(directory, W_OK | X_OK) == 0 else {
            throw failure(.notWritable, "no files can be made beside it in \(directory)", errno)
        }
    }

    /// Refuses what is not a SQLite database. Only under the lock: closing the file here would release the locks that
    /// another registry of this process has on it.
    func checkHeader() throws(EmbeddedError) {
        let descriptor = openFile(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return }
        guard descriptor >= 0 else { throw failure(.notReadable, "it cannot be read", errno) }
        defer { close(descriptor) }
        var header = [UInt8](repeating: 0, count: Self.headerBytes)
        let count = read(descriptor, &header, header.count)
        guard count >= 0 else { throw failure(.notReadable, "it cannot be read", errno) }
        // An empty file is what a start leaves behind that was ended before it wrote anything.
        if count == 0 { return }
        guard header.starts(with: Self.magic) else {
            throw EmbeddedError(
                .notADatabase, path, "it is not a SQLite database",
                "name another file, or move this one away to begin a new registry")
        }
        if count < Self.headerBytes { throw .damaged(path, "it ends within its header") }
    }

    /// An error of a system call: what was wrong is followed by the system's word for it.
    func failure(_ code: EmbeddedError.Code, _ problem: String, _ error: Int32) -> EmbeddedError {
        let text = "\(problem) (\(String(cString: strerror(error))))"
        return switch error {
        case ENOSPC, EDQUOT: EmbeddedError(.storageFull, path, text, "make room on the disk")
        case EROFS: EmbeddedError(.notWritable, path, text, "name a place that can be written")
        case EACCES, EPERM:
            EmbeddedError(
                code, path, text, "give user \(geteuid()) the right to read and write the file and its directory")
        default: EmbeddedError(code, path, text, "check the path and the disk")
        }
    }

    private static func kind(of path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }
}

extension EmbeddedError {
    static func damaged(_ file: String, _ problem: String) -> EmbeddedError {
        EmbeddedError(
            .damaged, file, "it is damaged: \(problem)",
            "restore it from a backup, or move it and its -wal file away to begin a new registry: clients whose "
                + "heartbeats are unknown register again")
    }
}
