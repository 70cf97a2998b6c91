// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded

/// Commits pairs of records, each with its revision as the body, and registers an instance after every third pair,
/// until the process is killed, or a write fails.
func commitForever(path: String, prefix: String, writers: Int) async throws {
    let registry = try await EmbeddedRegistry.open(path: path)
    say("open")
    try await withThrowingDiscardingTaskGroup { group in
        for writer in 0..<writers {
            group.addTask {
                var count = 0
                while !Task.isCancelled {
                    let name = "\(prefix)-\(writer)-\(count)"
                    if count % 4 == 3 {
                        try await registry.register(
                            Registration(service: "web", id: InstanceID(name), host: "10.0.0.1", port: 8080))
                    } else {
                        try await registry.commit(revisions: 2) { first in
                            [
                                RecordWrite(key: RecordKey(space: "left", name: name), body: Array("\(first)".utf8)),
                                RecordWrite(
                                    key: RecordKey(space: "right", name: name), body: Array("\(first.next)".utf8)),
                            ]
                        }
                    }
                    say(name)
                    count += 1
                }
            }
        }
    }
}
