// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import RollcallEmbedded
import RollcallTesting
import Testing

/// A folder that is removed when the test ends.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("rollcall-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    func bytes(of name: String) throws -> Int {
        try FileManager.default.attributesOfItem(atPath: path(name))[.size] as? Int ?? 0
    }

    /// What a crash of the machine would leave: the files as they are now, in another folder.
    func copy() throws -> TemporaryFolder {
        let copy = try TemporaryFolder()
        for name in ["rollcall.db", "rollcall.db-wal"] where FileManager.default.fileExists(atPath: path(name)) {
            try FileManager.default.copyItem(atPath: path(name), toPath: copy.path(name))
        }
        return copy
    }
}

/// The embedded engine in a temporary folder, whose time a test moves.
struct EmbeddedFixture: RegistryFixture {
    let folder: TemporaryFolder
    let clock = ManualClock()
    let registry: LocalRegistry

    init(
        in folder: TemporaryFolder? = nil, storage: EmbeddedRegistry.Storage = EmbeddedRegistry.Storage()
    ) async throws {
        self.folder = try folder ?? TemporaryFolder()
        registry = try await EmbeddedRegistry.open(path: self.folder.path, storage: storage, time: .manual(clock))
    }

    func advance(by duration: Duration) async throws { clock.advance(by: duration) }

    func close() async throws { await registry.shutdown() }

    func instance(_ key: InstanceKey) -> ServiceInstance? { registry.catalog.instance(key) }

    var instances: Set<ServiceInstance> { Set(registry.catalog.snapshots().services.flatMap(\.instances)) }

    /// Waits until an instance is as `condition` says. The time limit of the test bounds the wait.
    func wait(for key: InstanceKey, until condition: @escaping (ServiceInstance?) -> Bool) async throws {
        var mirror = WatchMirror(registry.watch(.service(key.service)))
        try await mirror.read(until: { condition($0.instances[key]) })
    }
}

/// The error that `body` throws, if it is one of the registry's.
func registryFailure(_ body: () async throws -> Void) async -> RegistryError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? RegistryError
    }
}

func web(_ id: String, host: String = "10.0.0.1") -> Registration {
    Registration(service: "web", id: InstanceID(id), host: host, port: 8080)
}
