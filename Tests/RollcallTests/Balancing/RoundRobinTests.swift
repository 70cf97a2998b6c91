// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("Round robin")
struct RoundRobinTests {
    @Test("picks each exactly once in a round, from any start", arguments: [1, 2, 3, 10, 100, 1000])
    func rounds(count: Int) {
        let upstream = Upstream.of(instances(count), RoundRobinBalancer())
        for _ in 0 ..< 3 { #expect(Set(upstream.next(count)).count == count) }
        for _ in 0 ..< count / 2 { _ = upstream.next(1) }
        #expect(Set(upstream.next(count)).count == count, "also in a window that begins anywhere")
    }

    @Test("goes on with the successor after a change")
    func changes() {
        let upstream = Upstream.of([instance("a"), instance("c"), instance("e")], RoundRobinBalancer(start: 0))
        #expect(upstream.next(1) == ["a"])
        upstream.update(snapshot(["a", "b", "c", "d", "e"].map { instance($0) }), now: .zero)
        #expect(upstream.next(2) == ["c", "d"])
        upstream.update(snapshot(["a", "b", "d"].map { instance($0) }), now: .zero)
        #expect(upstream.next(3) == ["a", "b", "d"])
    }

    @Test(
        "nobody waits longer than two rounds while others come and go after each pick",
        arguments: [1, 2, 3] as [UInt64])
    func starvation(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let stay = instances(20)
        let upstream = Upstream.of(stay, RoundRobinBalancer())
        var waits: [String: Int] = [:]
        var longest = 0
        for step in 0 ..< 1000 {
            let guests = (0 ..< 10).filter { _ in Bool.random(using: &random) }
                .map { instance("0\($0)5x") }
            upstream.update(snapshot(stay + guests, revision: UInt64(step)), now: .zero)
            let picked = upstream.next(1)[0]
            for member in stay {
                let id = member.id.value
                waits[id] = id == picked ? 0 : waits[id, default: 0] + 1
            }
            longest = max(longest, waits.values.max() ?? 0)
        }
        #expect(longest <= 60, "seed \(seed)")
    }

    @Test("many callers that start together do not begin with the same instance")
    func starts() {
        let counts = (0 ..< 2000).reduce(into: [String: Int]()) { counts, _ in
            counts[Upstream.of(instances(10), RoundRobinBalancer()).next(1)[0], default: 0] += 1
        }
        #expect(counts.count == 10)
        #expect(counts.values.allSatisfy { abs(Double($0) - 200) < tolerance(2000, 0.1) }, "\(counts)")
    }
}
