// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Finds the file of a command the way a shell does (POSIX, "Command Search and Execution").
enum ExecutableLookup {
    /// Where commands are looked for when PATH is not set.
    static let defaultPath = "/usr/local/bin:/usr/bin:/bin"

    /// - Parameters:
    ///   - command: A name to look for in `path`, or a path when it has a slash.
    ///   - path: Folders, separated by colons; an empty one is the current folder.
    /// - Returns: The first executable file, or the path itself when `command` has a slash.
    /// - Throws: `LaunchError` with code 127 when nothing was found, 126 when only files that cannot be executed were.
    static func find(_ command: String, path: String?) throws(LaunchError) -> String {
        if command.contains("/") { return command }
        var foundUnusable = false
        for folder in (path ?? defaultPath).split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = (folder.isEmpty ? "." : folder) + "/" + command
            guard isFile(candidate) else { continue }
            if access(candidate, X_OK) == 0 { return candidate }
            foundUnusable = true
        }
        if foundUnusable { throw LaunchError(command: command, reason: "the file is not executable", code: 126) }
        throw .notFound(command)
    }

    private static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }
}
