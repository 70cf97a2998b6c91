// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Writes a line in one call, past all buffers: it has been said when this returns, whatever comes then.
func say(_ line: String) {
    let line = line + "\n"
    guard write(STDOUT_FILENO, line, line.utf8.count) == line.utf8.count else { exit(2) }
}

/// Registers until the process is killed, or a registration fails.
func registerForever(path: String, prefix: String, writers: Int) async throws {
    let registry = try await EmbeddedRegistry.open(path: path)
    say("open")
    try await withThrowingDiscardingTaskGroup { group in
        for writer in 0..<writers {
            group.addTask {
                var count = 0
                while !Task.isCancelled {
                    let id = "\(prefix)-\(writer)-\(count)"
                    try await registry.register(
                        Registration(service: "web", id: InstanceID(id), host: "10.0.0.1", port: 8080))
                    say(id)
                    count += 1
                }
            }
        }
    }
}
