// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif
internal import Synchronization

/// Keeps a second registry from using the same file, in this process or another one. It ends with the process, however
/// that ends.
///
/// The lock is on a file beside the database, because closing any descriptor of the database itself would release the
/// locks that SQLite has on it, and so that other programs can read the database and back it up meanwhile.
final class FileLock: Sendable {
    private let descriptor: Mutex<Int32?>

    static func path(for file: RegistryFile) -> String { "\(file.path)-lock" }

    init(guarding file: RegistryFile) throws(EmbeddedError) {
        let path = Self.path(for: file)
        let descriptor = openFile(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw file.failure(.notWritable, "the lock file \(path) cannot be made", errno) }
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let error = errno
            if error == EINTR { continue }
            defer { close(descriptor) }
            guard error == EWOULDBLOCK else { throw file.failure(.storage, "\(path) cannot be locked", error) }
            let owner = Self.owner(descriptor).map { "process \($0)" } ?? "another process"
            throw EmbeddedError(
                .locked, file.path, "\(owner) has it open", "stop that one first, or name another file for this one")
        }
        self.descriptor = Mutex(descriptor)
        // Only for the message above: without room on the disk it stays out.
        let text = "\(getpid())\n"
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, text, text.utf8.count, 0) }
    }

    deinit { release() }

    /// Lets others have the file. Releasing twice does nothing.
    func release() {
        descriptor.withLock { descriptor in
            if let descriptor {
                // Closing alone would leave the lock with a child that was just forked and has not come to its exec.
                _ = flock(descriptor, LOCK_UN)
                close(descriptor)
            }
            descriptor = nil
        }
    }

    private static func owner(_ descriptor: Int32) -> Int? {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: bytes[..<count].prefix { $0 != 0x0A }, as: UTF8.self))
    }
}

/// `open` of the C library: types here have methods of that name.
func openFile(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 { open(path, flags, mode) }
