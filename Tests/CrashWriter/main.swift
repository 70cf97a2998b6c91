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

/// `CrashWriter PATH PREFIX WRITERS` opens the registry at PATH, says `open`, and registers instances named
/// `PREFIX-writer-count` of the service `web` from so many writers until it is ended, saying each identifier when its
/// registration is acknowledged.
func say(_ line: String) {
    let line = line + "\n"
    guard write(STDOUT_FILENO, line, line.utf8.count) == line.utf8.count else { exit(2) }
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let writers = Int(arguments[3]) else {
    say("usage: CrashWriter PATH PREFIX WRITERS")
    exit(64)
}
do {
    let registry = try await EmbeddedRegistry.open(path: arguments[1])
    say("open")
    try await withThrowingTaskGroup(of: Void.self) { group in
        for writer in 0..<writers {
            group.addTask {
                var count = 0
                while true {
                    let id = "\(arguments[2])-\(writer)-\(count)"
                    try await registry.register(
                        Registration(service: "web", id: InstanceID(id), host: "10.0.0.1", port: 8080))
                    say(id)
                    count += 1
                }
            }
        }
        try await group.waitForAll()
    }
} catch {
    say("\(error)")
    exit(1)
}
