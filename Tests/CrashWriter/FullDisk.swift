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

/// Fills the disk that `path` is on, looks at what a registry on it still does, makes room, and looks again.
func fillDisk(_ path: String) async throws {
    let filler = "\(path)/filler"
    try fill(filler, bytes: 2 << 20)
    let registry = try await EmbeddedRegistry.open(path: path)
    var stored: [InstanceKey] = []
    var failure: RegistryError?
    while failure == nil, stored.count < 100_000 {
        let registration = large(stored.count)
        do {
            try await registry.register(registration)
            stored.append(registration.key)
        } catch {
            failure = error
        }
    }
    say("full: \(failure?.code.description ?? "never")")

    let snapshot = try await registry.lookup("web")
    let outcome = try await registry.heartbeat(InstanceKey("web", "large-0"))
    if snapshot.count == stored.count, outcome == .renewed { say("reads and heartbeats go on") }

    unlink(filler)
    let registration = large(stored.count)
    try await registry.register(registration)
    stored.append(registration.key)
    say("room again")
    await registry.shutdown()

    let second = try await EmbeddedRegistry.open(path: path)
    let recovered = Set(second.catalog.snapshot(of: "web").instances.map(\.key))
    await second.shutdown()
    if recovered == Set(stored) { say("all recovered") }
}

private func large(_ number: Int) -> Registration {
    Registration(
        service: "web", id: InstanceID("large-\(number)"), host: "10.0.0.1", port: 8080,
        metadata: ["notes": String(repeating: "n", count: 2500)])
}

private func fill(_ path: String, bytes: Int) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT, 0o644)
    let block = [UInt8](repeating: 0, count: bytes)
    guard descriptor >= 0, write(descriptor, block, bytes) == bytes else { throw FillerFailed() }
    close(descriptor)
}

struct FillerFailed: Error {}
