// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Consistent hashing")
struct ConsistentHashTests {
    private static let keys = 20_000

    /// The owner of each key.
    private static func owners(_ upstream: Upstream) -> [String] {
        (0 ..< keys).compactMap { upstream.choose(PickRequest(now: .zero, hashKey: UInt64($0)))?.id.value }
    }

    private static func owners(_ instances: [ServiceInstance], _ balancer: ConsistentHashBalancer) -> [String] {
        owners(Upstream.of(instances, balancer))
    }

    private static func count(_ owners: [String]) -> [String: Int] {
        owners.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    @Test("Maglev fills its table as the paper's example")
    func maglevVector() {
        let all = [(3, 4), (0, 2), (3, 1)].map { MaglevTable.Preference(offset: $0.0, skip: $0.1) }
        #expect(MaglevTable.fill(7, all, weights: [1, 1, 1]) == [1, 0, 1, 0, 2, 2, 0])
        #expect(MaglevTable.fill(7, [all[0], all[2]], weights: [1, 1]) == [0, 0, 0, 0, 1, 1, 1])
    }

    @Test("Maglev's slots are even, and by weight", arguments: [1, 2, 10, 100, 650])
    func maglevShares(count: Int) {
        let size = MaglevTable.standardSize
        let preferences = (0 ..< count).map { number in
            let hash = StableHash.of("node-\(number)")
            return MaglevTable.Preference(
                offset: Int(hash % UInt64(size)), skip: Int((hash >> 20) % UInt64(size - 1)) + 1)
        }
        func slots(_ weights: [UInt32]) -> [Int] {
            MaglevTable.fill(size, preferences, weights: weights)
                .reduce(into: Array(repeating: 0, count: count)) { $0[Int($1)] += 1 }
        }
        let even = slots(Array(repeating: 1, count: count))
        #expect(even.max()! - even.min()! <= 1)
        let weights = (0 ..< count).map { UInt32($0 % 4 + 1) }
        let total = Double(weights.reduce(0, +))
        for (slots, weight) in zip(slots(weights), weights) {
            let due = Double(size) * Double(weight) / total
            #expect(abs(Double(slots) - due) <= 2 + 0.02 * due, "weight \(weight): \(slots) instead of \(due)")
        }
    }

    @Test("sizes are the next prime", arguments: [(1, 2), (7, 7), (8, 11), (65_536, 65_537), (655_360, 655_373)])
    func primes(number: Int, prime: Int) {
        #expect(MaglevTable.prime(notBelow: number) == prime)
    }

    @Test("spreads keys evenly", arguments: [
        (ConsistentHashBalancer(.ring()), 10, 1.35), (ConsistentHashBalancer(.ring()), 100, 1.6),
        (ConsistentHashBalancer(.maglev()), 10, 1.1), (ConsistentHashBalancer(.maglev()), 100, 1.35),
    ])
    func spread(balancer: ConsistentHashBalancer, count: Int, bound: Double) {
        let counts = Self.count(Self.owners(instances(count), balancer))
        #expect(counts.count == count)
        let mean = Double(Self.keys) / Double(count)
        #expect(Double(counts.values.max()!) / mean < bound, "\(counts)")
    }

    @Test("gives keys by weight", arguments: [ConsistentHashBalancer(.ring()), ConsistentHashBalancer(.maglev())])
    func weights(balancer: ConsistentHashBalancer) {
        let weights: [UInt16] = [1, 1, 1, 2, 5]
        let counts = Self.count(Self.owners(instances(weights: weights), balancer))
        for (position, weight) in weights.enumerated() {
            let due = Double(Self.keys) * Double(weight) / 10
            #expect(abs(Double(counts[padded(position)] ?? 0) - due) < 0.25 * due, "\(counts)")
        }
    }

    @Test("a ring moves the keys of the one that goes, and no others", arguments: [1, 2, 3] as [UInt64])
    func ringDisruption(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let weights = (0 ..< 30).map { _ in UInt16([1, 1, 1, 2, 3].randomElement(using: &random)!) }
        var members = instances(weights: weights)
        let before = Self.owners(members, ConsistentHashBalancer(.ring()))
        let gone = members.remove(at: Int.random(in: 0 ..< members.count, using: &random)).id.value
        let after = Self.owners(members, ConsistentHashBalancer(.ring()))
        for (old, new) in zip(before, after) where old != new {
            #expect(old == gone, "seed \(seed): a key of \(old) moved to \(new) when \(gone) went")
        }
        #expect(!after.contains(gone) && before.contains(gone))
    }

    @Test("Maglev moves few keys more than it has to when one goes", arguments: [(10, 0.01), (100, 0.012)])
    func maglevDisruption(count: Int, extra: Double) {
        let members = instances(count)
        let before = Self.owners(members, ConsistentHashBalancer(.maglev()))
        for position in [0, count / 2, count - 1] {
            var others = members
            let gone = others.remove(at: position).id.value
            let after = Self.owners(others, ConsistentHashBalancer(.maglev()))
            let moved = zip(before, after).filter { $0 != $1 && $0 != gone }.count
            #expect(Double(moved) / Double(Self.keys) < extra, "\(moved) of \(Self.keys)")
        }
    }

    @Test(
        "a caller that saw all changes agrees with one that starts now",
        arguments: BalancingPolicy.allCases.filter(\.usesKey))
    func agreement(policy: BalancingPolicy) {
        var random = SeededGenerator(seed: 21)
        let old = Upstream.of(instances(5), policy.makeBalancer())
        for step in 0 ..< 12 {
            let weights = (0 ..< Int.random(in: 1 ... 20, using: &random))
                .map { _ in UInt16.random(in: 1 ... 3, using: &random) }
            let members = instances(weights: weights)
            old.update(snapshot(members, revision: UInt64(step)), now: .zero)
            let new = Upstream.of(members.shuffled(using: &random), policy.makeBalancer(), seed: 99)
            for key in 0 ..< 500 as Range<UInt64> {
                let request = PickRequest(now: .zero, hashKey: key)
                #expect(old.choose(request)?.id == new.choose(request)?.id, "step \(step)")
            }
        }
    }

    @Test("a new life keeps the keys of the former one", arguments: BalancingPolicy.allCases.filter(\.usesKey))
    func incarnations(policy: BalancingPolicy) {
        let upstream = Upstream.of(instances(7), policy.makeBalancer())
        let before = Self.owners(upstream)
        upstream.update(snapshot((0 ..< 7).map { instance(padded($0), incarnation: 2) }), now: .zero)
        #expect(Self.owners(upstream) == before)
        let endpoint = upstream.choose(PickRequest(now: .zero, hashKey: 1))
        #expect(endpoint?.instance.incarnation == Incarnation(2))
    }

    @Test("requests without a key go everywhere", arguments: BalancingPolicy.allCases.filter(\.usesKey))
    func keyless(policy: BalancingPolicy) {
        #expect(Upstream.of(instances(10), policy.makeBalancer()).counts(2000).count == 10)
    }

    @Test(
        "a retry of a key has the same second choice each time", arguments: BalancingPolicy.allCases.filter(\.usesKey))
    func secondChoice(policy: BalancingPolicy) throws {
        let upstream = Upstream.of(instances(10), policy.makeBalancer())
        var seconds: Set<String> = []
        for key in 0 ..< 100 as Range<UInt64> {
            let request = PickRequest(now: .zero, hashKey: key)
            let home = try #require(upstream.choose(request))
            let picks = (0 ..< 5).compactMap { _ in upstream.pick(request, excluding: [home]) }
            for pick in picks { pick.finish(.success, now: .zero) }
            if policy != .boundedLoad { #expect(Set(picks.map(\.endpoint.id)).count == 1) }
            seconds.formUnion(picks.map(\.endpoint.id.value))
        }
        #expect(seconds.count == 10, "the keys of one go to many others")
    }
}

@Suite("Consistent hashing with bounded loads")
struct BoundedLoadTests {
    @Test("nobody gets more than its bound", arguments: [1, 2, 3] as [UInt64])
    func bound(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let weights = (0 ..< 12).map { _ in UInt16.random(in: 1 ... 4, using: &random) }
        let total = weights.reduce(0.0) { $0 + Double($1) }
        let upstream = Upstream.of(instances(weights: weights), ConsistentHashBalancer(.ring(), loadFactor: 1.25))
        var open: [Pick] = []
        for _ in 0 ..< 5000 {
            if !open.isEmpty && Int.random(in: 0 ..< 5, using: &random) < 2 {
                open.remove(at: Int.random(in: 0 ..< open.count, using: &random)).finish(.success, now: .zero)
            }
            // Few keys: without the bound all of it would go to three endpoints at most.
            let key = UInt64.random(in: 0 ..< 3, using: &random)
            let pick = try #require(upstream.pick(PickRequest(now: .zero, hashKey: key)))
            open.append(pick)
            let share = Double(pick.endpoint.weight) / total
            let bound = (1.25 * Double(open.count) * share).rounded(.up)
            #expect(Double(pick.endpoint.load.pending) <= bound, "seed \(seed): \(open.count) under way")
        }
    }

    @Test("while nobody is full it is the plain table")
    func plain() throws {
        let bounded = Upstream.of(instances(10), ConsistentHashBalancer(.maglev(), loadFactor: 1.25))
        let plain = Upstream.of(instances(10), ConsistentHashBalancer(.maglev()))
        for key in 0 ..< 1000 as Range<UInt64> {
            let request = PickRequest(now: .zero, hashKey: key)
            let pick = try #require(bounded.pick(request))
            #expect(pick.endpoint.id == plain.choose(request)?.id)
            pick.finish(.success, now: .zero)
        }
    }
}
