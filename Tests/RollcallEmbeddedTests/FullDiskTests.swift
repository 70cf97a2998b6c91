// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import RollcallEmbedded
import RollcallTesting
import Testing

@Suite("A full disk", .timeLimit(.minutes(1)))
struct FullDiskTests {
    /// A registration that fills about one page of the file.
    private func large(_ number: Int) -> Registration {
        var registration = web("large-\(number)")
        registration.metadata = ["notes": String(repeating: "n", count: 2500)]
        return registration
    }

    @Test("refuses writes with one clear error, and changes nothing")
    func refusesWrites() async throws {
        let fixture = try await EmbeddedFixture(storage: .init(maximumFileBytes: 256 << 10))
        let registry = fixture.registry
        var failure: RegistryError?
        var stored = 0
        while failure == nil, stored < 1000 {
            failure = await registryFailure { try await registry.register(large(stored)) }
            if failure == nil { stored += 1 }
        }
        #expect(failure?.code == .storageFull)
        #expect(failure?.message.contains(fixture.folder.path("rollcall.db")) == true)
        #expect(stored > 10)
        #expect(fixture.instances.count == stored)
        #expect(registry.statistics.failedWrites == 1)

        // Reads, heartbeats, watches and lapses go on.
        let key = large(0).key
        #expect(try await registry.heartbeat(key) == .renewed)
        var mirror = WatchMirror(registry.watch(.service("web")))
        try await mirror.read(until: { $0.instances.count == stored })
        fixture.clock.advance(by: .seconds(31))
        try await mirror.read(until: { $0.instances[key]?.status.isHealthy == false })
        #expect(try await registry.heartbeat(key) == .renewed)
        try await mirror.read(until: { $0.instances[key]?.status == .up })

        // A restart finds what was acknowledged.
        let copy = try await EmbeddedFixture(in: try fixture.folder.copy())
        #expect(copy.instances.count == stored)
        try await copy.close()
        try await fixture.close()
    }

    @Test("takes writes again when there is room")
    func recovers() async throws {
        let fixture = try await EmbeddedFixture(storage: .init(maximumFileBytes: 256 << 10))
        let registry = fixture.registry
        var stored = 0
        while stored < 1000, await registryFailure({ try await registry.register(large(stored)) }) == nil {
            stored += 1
        }
        for number in 0..<5 { try await registry.deregister(large(number).key) }

        for number in 1000..<1004 { try await registry.register(large(number)) }

        let instances = fixture.instances
        #expect(instances.count == stored - 1)
        try await fixture.close()
        let second = try await EmbeddedFixture(in: fixture.folder)
        #expect(Set(second.instances.map(\.key)).symmetricDifference(instances.map(\.key)).isEmpty)
        try await second.close()
    }

    @Test("of a real file system is survived", .enabled(if: WriterProcess.canMount))
    func realDisk() async throws {
        let folder = try TemporaryFolder()
        let writer = try WriterProcess(onDiskOfMegabytes: 4, at: folder.path)
        let lines = await writer.lines(killAfter: nil)
        #expect(lines == ["full: storageFull", "reads and heartbeats go on", "room again", "all recovered"])
    }
}
