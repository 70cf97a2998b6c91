// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A command could not be started.
struct LaunchError: Error, Hashable, CustomStringConvertible {
    /// The command as it was given.
    let command: String
    /// Why not, for a person.
    let reason: String
    /// The exit code that a shell gives: 127 when there is no such command, 126 when it cannot be executed.
    let code: Int32

    var description: String { "cannot start \(command): \(reason)" }

    static func notFound(_ command: String) -> LaunchError {
        LaunchError(command: command, reason: "no such command in PATH", code: 127)
    }
}
