// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Testing

@testable import RollcallCLI

@Suite("README")
struct ReadmeTests {
    @Test("it gives each key of the server's configuration with its default and its meaning")
    func keys() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../README.md")
        let lines = Set(try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init))
        for key in ServeKey.all {
            // The folder depends on the machine.
            let value =
                key.name == "data"
                ? "`$STATE_DIRECTORY`, else `~/.local/state/rollcall`" : "`\(key.get(ServeConfiguration()))`"
            let line = "| `\(key.name)` | \(value) | \(key.summary) |"
            #expect(lines.contains(line), "\(line)")
        }
    }
}
