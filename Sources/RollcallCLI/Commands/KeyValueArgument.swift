// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser

/// A name and a value on the command line: `team=shop`. The value may be empty and may hold further `=`.
struct KeyValueArgument: ExpressibleByArgument, Hashable, Sendable {
    let name: String
    let value: String

    init?(argument: String) {
        guard let separator = argument.firstIndex(of: "="), separator != argument.startIndex else { return nil }
        name = String(argument[..<separator])
        value = String(argument[argument.index(after: separator)...])
    }
}
