// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Synchronization
import Testing

@Suite("The wall clock")
struct WallClockTests {
    @Test("moves no lease when it is set forward or back", .timeLimit(.minutes(1)))
    func jumps() async throws {
        let clock = ManualClock()
        let wall = WallClock()
        let registry = LocalRegistry(time: TimeSource(clock) { wall.time })
        let key = InstanceKey("web", "web-1")
        let registered = try await registry.register(
            Registration(service: "web", id: "web-1", host: "10.0.0.1", port: 80)
        ).instance

        // Ten years ahead, then ten years behind, with 29 of the 30 s of the lease gone.
        wall.set(WallTime(millisecondsSinceEpoch: 2_082_758_400_000))
        clock.advance(by: .seconds(15))
        wall.set(WallTime(millisecondsSinceEpoch: 1_451_606_400_000))
        clock.advance(by: .seconds(14))
        // Everything that could follow from it is behind this write.
        try await registry.register(Registration(service: "other", host: "10.0.0.2", port: 80))
        #expect(registry.catalog.instance(key) == registered)

        var mirror = WatchMirror(registry.watch(.service("web")))
        try await mirror.read { $0.events == 1 }
        clock.advance(by: .seconds(1.1))
        try await mirror.read { $0.instances[key]?.status == .down }
        #expect(mirror.instances[key]?.changedAt == WallTime(millisecondsSinceEpoch: 1_451_606_400_000))
        await registry.shutdown()
    }
}

private final class WallClock: Sendable {
    private let now = Mutex(WallTime(millisecondsSinceEpoch: 1_767_225_600_000))

    var time: WallTime { now.withLock { $0 } }

    func set(_ time: WallTime) { now.withLock { $0 = time } }
}
