// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("A registry that begins anew", .timeLimit(.minutes(1)))
struct NewRegistryTests {
    @Test("tells a watch of the lost registry that its revision is unknown, although the new one has had more changes")
    func laterRegistry() async throws {
        let clock = ManualClock()
        let lost = LocalRegistry(time: .manual(clock))
        let known = try await lost.register(instance("a")).instance.revision
        await lost.shutdown()

        clock.advance(by: .seconds(1))
        let new = LocalRegistry(time: .manual(clock))
        for id: InstanceID in ["b", "c", "d"] { try await new.register(instance(id)) }
        #expect(new.catalog.revision > known)
        var watch = new.watch(.service("web"), from: known).makeAsyncIterator()
        guard case .snapshot(let snapshot) = await watch.next() else {
            Issue.record("the watch was not told to begin anew")
            return
        }
        #expect(snapshot.cause == .gap)
        #expect(snapshot.services.flatMap { $0.instances.map(\.id) } == ["b", "c", "d"])
        await new.shutdown()
    }

    @Test("begins above what an earlier one can have given out, and at nothing on a machine without a clock")
    func revisions() {
        let dawn = RecoveredState.begun(at: WallTime(millisecondsSinceEpoch: -5))
        #expect(dawn.revision == .zero)
        let day = RecoveredState.begun(at: WallTime(millisecondsSinceEpoch: 1_767_225_600_000))
        #expect(day.revision == Revision(1_767_225_600_000_000))
    }

    private func instance(_ id: InstanceID) -> Registration {
        Registration(service: "web", id: id, host: "10.0.0.1", port: 80)
    }
}
