// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import Rollcall
import RollcallRemote
import RollcallTesting
import Testing

@Suite("A registry over the network", .timeLimit(.minutes(3)))
struct RemoteContractTests {
    @Test("keeps the contract", arguments: RegistryContract.cases)
    func contract(_ contract: RegistryContract) async throws {
        try await contract.check { try await RemoteFixture() }
    }

    @Test("a server that restarts under 500 watches is found again by all, and none misses the final state")
    func restart() async throws {
        let former = try await ServedRegistry()
        for number in 0 ..< 5 { try await former.registry.register(Self.registration(number)) }
        var configuration = RemoteConfiguration()
        configuration.watchBackoff = Backoff(initial: .milliseconds(50), maximum: .milliseconds(500))
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let remote = RemoteRegistry(addresses: [former.address], configuration: configuration, logger: quiet)
        let (begun, signal) = AsyncStream.makeStream(of: Void.self)

        try await withThrowingTaskGroup(of: Set<InstanceID>.self) { group in
            for _ in 0 ..< 500 {
                group.addTask {
                    var mirror = WatchMirror(remote.watch(.service("web")))
                    try await mirror.read { $0.instances.count == 5 }
                    signal.yield()
                    try await mirror.read { $0.instances[InstanceKey("web", "9")] != nil }
                    return Set(mirror.instances.keys.map(\.id))
                }
            }
            var ready = 0
            for await _ in begun {
                ready += 1
                if ready == 500 { break }
            }

            // What the watches do not see go: one instance, while nobody serves.
            let (revision, snapshots) = former.registry.catalog.snapshots()
            let kept = snapshots.flatMap(\.instances).filter { $0.id != "0" }
            let port = former.port
            try await former.stop()
            let state = RecoveredState(instances: kept, revision: Revision(revision.value + 1))
            let present = try await ServedRegistry(port: port, recovered: state)
            try await present.registry.register(Self.registration(9))

            let expected: Set<InstanceID> = ["1", "2", "3", "4", "9"]
            for try await seen in group { #expect(seen == expected) }
            await remote.shutdown()
            try await present.stop()
        }
    }

    private static func registration(_ number: Int) -> Registration {
        Registration(service: "web", id: InstanceID("\(number)"), host: "10.0.0.1", port: 80)
    }
}
