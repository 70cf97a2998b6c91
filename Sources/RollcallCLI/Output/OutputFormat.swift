// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser

/// The form of a command's answer.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// For people: aligned columns, colours on a terminal.
    case table
    /// For programs.
    case json
}
