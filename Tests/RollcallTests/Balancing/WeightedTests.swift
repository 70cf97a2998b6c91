// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Weighted round robin")
struct WeightedRoundRobinTests {
    @Test("gives the turns that nginx gives", arguments: [
        ([5, 1, 1], "AABACAA"), ([4, 3, 2], "ABCABACBA"), ([10, 1], "AAAAABAAAAA"), ([1, 1, 1], "ABC"),
    ] as [([UInt32], String)])
    func vectors(weights: [UInt32], expected: String) throws {
        let turns = try #require(SmoothSchedule(weights)).turns
        #expect(turns.map { ["A", "B", "C"][Int($0)] }.joined() == expected)
    }

    @Test("strides as gRPC does")
    func strideVector() {
        let stride = StrideSchedule([5, 1, 1])
        let turns = (0 ..< 28).compactMap { stride.position(at: $0) }.map { ["A", "B", "C"][$0] }
        // A58's scale is 65535; 5 gives the same turns within a cycle.
        #expect(turns.joined().hasPrefix("ACAABAA"))
    }

    @Test("never strays from the shares by a whole turn", arguments: [1, 2, 3, 4, 5] as [UInt64])
    func smooth(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0 ..< 40 {
            let count = Int.random(in: 2 ... 30, using: &random)
            let weights = reduced((0 ..< count).map { _ in UInt32.random(in: 1 ... 50, using: &random) })
            let total = weights.reduce(0, +)
            let turns = try #require(SmoothSchedule(weights)).turns
            var counts = Array(repeating: 0, count: count)
            var furthest = 0.0
            for (turn, position) in turns.enumerated() {
                counts[Int(position)] += 1
                for (position, weight) in weights.enumerated() {
                    let due = Double(turn + 1) * Double(weight) / Double(total)
                    furthest = max(furthest, abs(Double(counts[position]) - due))
                }
            }
            #expect(furthest < 1, "seed \(seed): \(weights)")
            #expect(counts == weights.map(Int.init), "seed \(seed)")
        }
    }

    @Test("strides through exact proportions", arguments: [1, 2, 3, 4, 5] as [UInt64])
    func stride(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 2 ... 12, using: &random)
        let weights = (0 ..< count).map { _ in UInt32.random(in: 1 ... 5000, using: &random) }
        let stride = StrideSchedule(weights)
        // A window of a whole cycle, wherever it begins.
        let start = UInt64.random(in: 0 ..< 1 << 40, using: &random)
        var counts = Array(repeating: 0, count: count)
        for step in start ..< start + stride.cycle {
            if let position = stride.position(at: step) { counts[position] += 1 }
        }
        #expect(counts == weights.map(Int.init), "seed \(seed)")
    }

    @Test("gives exact proportions over a cycle, short or long", arguments: [
        [5, 1, 1], [100, 200, 300], [1, 1], [7], [65535, 1, 9000], [4097, 2, 5],
    ] as [[UInt16]])
    func proportions(weights: [UInt16]) {
        let upstream = Upstream.of(instances(weights: weights), WeightedRoundRobinBalancer())
        let shares = reduced(weights.map(UInt32.init))
        let counts = upstream.counts(shares.reduce(0) { $0 + Int($1) })
        let expected = Dictionary(
            uniqueKeysWithValues: shares.enumerated().map { (padded($0.offset), Int($0.element)) })
        #expect(counts == expected)
    }

    @Test("goes on in its cycle when a change moves no share")
    func kept() {
        let upstream = Upstream.of(instances(weights: [5, 1, 1]), WeightedRoundRobinBalancer(start: 0))
        var turns = upstream.next(3)
        let same = [5, 1, 1].enumerated().map {
            instance(padded($0.offset), weight: $0.element, metadata: ["x": "y"], revision: 2)
        }
        upstream.update(snapshot(same, revision: 2), now: .zero)
        turns += upstream.next(4)
        #expect(turns == ["000", "000", "001", "000", "002", "000", "000"])
    }

    @Test("who has few turns gets them though the list changes after each pick", arguments: [1, 2, 3] as [UInt64])
    func starvation(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        // Who begins anew at each change never comes to the light ones. The first list strides, the other one is worked
        // out; a long cycle has no memory of turns that are owed, so chance decides there.
        for (heavy, light, weights, factor) in [(60, 12, (127, 10), 3), (10, 3, (13, 1), 1.2)] {
            let members = instances(
                weights: Array(repeating: UInt16(weights.0), count: heavy)
                    + Array(repeating: UInt16(weights.1), count: light))
            let picks = 1500
            let upstream = Upstream.of(members, WeightedRoundRobinBalancer())
            var lightPicks = 0
            for step in 0 ..< picks {
                let guest = instance("guest", weight: UInt16.random(in: 1 ... 3, using: &random))
                upstream.update(snapshot(members + [guest], revision: UInt64(step)), now: .zero)
                if let id = upstream.next(1).first, id != "guest", Int(id)! >= heavy { lightPicks += 1 }
            }
            let expected = Double(light * weights.1 * picks) / Double(heavy * weights.0 + light * weights.1)
            #expect(
                Double(lightPicks) > expected / factor - 2 && Double(lightPicks) < expected * factor + 2,
                "seed \(seed): \(lightPicks) of \(picks) instead of \(expected)")
        }
    }

    @Test(
        "keeps to the shares within two turns though the list changes after each pick",
        arguments: [1, 2, 3] as [UInt64])
    func owed(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var members = instances(weights: (0 ..< 12).map { _ in UInt16.random(in: 1 ... 9, using: &random) })
        let upstream = Upstream.of(members, WeightedRoundRobinBalancer(start: 0))
        var due: [String: Double] = [:]
        var furthest = 0.0
        for step in 0 ..< 2000 {
            let changed = Int.random(in: 0 ..< 12, using: &random)
            members[changed] = instance(
                padded(changed), weight: UInt16.random(in: 1 ... 9, using: &random), revision: UInt64(step))
            upstream.update(snapshot(members, revision: UInt64(step)), now: .zero)
            let total = members.reduce(0.0) { $0 + Double($1.weight) }
            for member in members { due[member.id.value, default: 0] += Double(member.weight) / total }
            due[upstream.next(1)[0], default: 0] -= 1
            furthest = max(furthest, due.values.map(abs).max() ?? 0)
        }
        #expect(furthest < 2, "seed \(seed): somebody was owed \(furthest) turns")
    }

    @Test("two lists in turn starve nobody")
    func alternation() {
        for size in [3, 4, 5, 7, 8, 12, 16] {
            let members = instances(weights: Array(repeating: 3, count: size) + [1])
            let upstream = Upstream.of(members, WeightedRoundRobinBalancer(start: 0))
            var seen: Set<String> = []
            for step in 0 ..< size * 40 {
                let guest = instance("guest", weight: 2)
                let list = step.isMultiple(of: 2) ? members : members + [guest]
                upstream.update(snapshot(list, revision: UInt64(step)), now: .zero)
                seen.formUnion(upstream.next(1))
            }
            #expect(seen.isSuperset(of: members.map(\.id.value)), "\(size)")
        }
    }
}

@Suite("Random balancers")
struct RandomBalancerTests {
    @Test("draw by weight", arguments: [
        [1, 1, 1, 1], [5, 1, 1], [1, 65535], [3, 9, 27, 81, 243], [65535, 65534, 1],
    ] as [[UInt16]])
    func weighted(weights: [UInt16]) {
        let picks = 100_000
        let counts = Upstream.of(instances(weights: weights), WeightedRandomBalancer(), seed: 11).counts(picks)
        let total = weights.reduce(0.0) { $0 + Double($1) }
        for (position, weight) in weights.enumerated() {
            let share = Double(weight) / total
            #expect(abs(Double(counts[padded(position)] ?? 0) - share * Double(picks)) < tolerance(picks, share))
        }
    }

    @Test("an alias table's shares are exact", arguments: [1, 2, 3] as [UInt64])
    func exact(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1 ... 300, using: &random)
        let weights = (0 ..< count).map { _ in UInt32.random(in: 1 ... 65535, using: &random) }
        let total = weights.reduce(0.0) { $0 + Double($1) }
        var shares = Array(repeating: 0.0, count: count)
        for (position, slot) in AliasTable(weights: weights).slots.enumerated() {
            let own = Double(slot.threshold) / 0x1p64
            shares[position] += own / Double(count)
            shares[slot.alias] += (1 - own) / Double(count)
        }
        for (share, weight) in zip(shares, weights) {
            #expect(abs(share - Double(weight) / total) < 1e-12, "seed \(seed)")
        }
    }

    @Test("draw evenly without regard to weights")
    func uniform() {
        let picks = 50_000
        let counts = Upstream.of(instances(weights: [1, 9, 1, 1, 1]), RandomBalancer(), seed: 3).counts(picks)
        for count in counts.values { #expect(abs(Double(count) - 10_000) < tolerance(picks, 0.2)) }
        #expect(counts.count == 5)
    }
}
