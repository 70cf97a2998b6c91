// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A file with the last lists of the services that a process used, so that its next start finds them while the registry
/// is away.
struct SnapshotFile: Sendable {
    let path: String

    /// A file larger than this was not made here.
    private static let bytesMax = 256 * 1024 * 1024

    /// Why the file could not be used.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The lists that the file holds; none when there is no file.
    func read() throws(Failure) -> [ServiceSnapshot] {
        guard let bytes = try contents() else { return [] }
        do throws(JSONError) {
            return try JSONReader.read(bytes) { reader throws(JSONError) -> [ServiceSnapshot] in
                var snapshots: [ServiceSnapshot] = []
                try reader.array { reader throws(JSONError) in
                    snapshots.append(try ServiceSnapshot.read(from: &reader))
                }
                return snapshots
            }
        } catch {
            throw Failure(description: "the saved lists in \(path) cannot be read: \(error)")
        }
    }

    /// Replaces the file as a whole: a crash leaves the old one or the new one.
    func write(_ snapshots: [ServiceSnapshot]) throws(Failure) {
        var writer = JSONWriter()
        writer.beginArray()
        for snapshot in snapshots { snapshot.write(to: &writer, includingShadows: true) }
        writer.endArray()
        let next = "\(path).new"
        let file = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("opened for writing") }
        var rest = writer.bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                let error = failure("written")
                close(file)
                unlink(next)
                throw error
            }
            rest = rest.dropFirst(count)
        }
        let isStored = fsync(file) == 0
        guard close(file) == 0, isStored, rename(next, path) == 0 else { throw failure("stored") }
    }

    private func contents() throws(Failure) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("opened")
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var portion = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = portion.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure("read") }
            bytes += portion[..<count]
            guard bytes.count <= Self.bytesMax else {
                throw Failure(description: "the saved lists in \(path) are larger than \(Self.bytesMax) bytes")
            }
        }
    }

    private func failure(_ action: String) -> Failure {
        Failure(description: "the saved lists in \(path) cannot be \(action): \(String(cString: strerror(errno)))")
    }
}
