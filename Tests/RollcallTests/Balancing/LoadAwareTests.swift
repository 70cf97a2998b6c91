// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Power of two choices")
struct PowerOfTwoTests {
    @Test("compares two different ones, each pair as often as the others")
    func pairs() {
        var random = PickRandom(seed: 5)
        var counts: [[Int]: Int] = [:]
        let draws = 60_000
        for _ in 0 ..< draws {
            let (first, second) = random.pair(below: 4)
            counts[[first, second], default: 0] += 1
        }
        #expect(counts.count == 12 && counts.keys.allSatisfy { $0[0] != $0[1] })
        for count in counts.values { #expect(abs(Double(count) - 5000) < tolerance(draws, 1.0 / 12)) }
    }

    @Test("never takes the most loaded one", arguments: [PowerOfTwoBalancer.Measure.pending, .latency])
    func mostLoaded(measure: PowerOfTwoBalancer.Measure) {
        for count in [2, 3, 10] {
            let upstream = Upstream.of(instances(count), PowerOfTwoBalancer(by: measure))
            for (position, endpoint) in upstream.known.enumerated() {
                endpoint.load.begin()
                endpoint.load.finish(.success, latency: .milliseconds(10), now: .zero)
                for _ in 0 ... position { endpoint.load.begin() }
            }
            #expect(upstream.counts(2000)[padded(count - 1)] == nil)
            #expect(upstream.counts(2000).count == count - 1)
        }
    }

    @Test("is even when all loads are equal", arguments: [PowerOfTwoBalancer.Measure.pending, .latency])
    func even(measure: PowerOfTwoBalancer.Measure) {
        let picks = 50_000
        let counts = Upstream.of(instances(10), PowerOfTwoBalancer(by: measure)).counts(picks)
        for count in counts.values { #expect(abs(Double(count) - 5000) < tolerance(picks, 0.1)) }
        #expect(counts.count == 10)
    }

    @Test("uses idle endpoints by weight when it compares calls under way")
    func idleWeights() {
        let picks = 20_000
        let counts = Upstream.of(instances(weights: [3, 1]), PowerOfTwoBalancer(by: .pending)).counts(picks)
        #expect(abs(Double(counts["000"] ?? 0) - 15_000) < tolerance(picks, 0.75))
    }

    @Test(
        "keeps calls under way in proportion to the weights", arguments: [PowerOfTwoBalancer.Measure.pending, .latency])
    func busyWeights(measure: PowerOfTwoBalancer.Measure) {
        let upstream = Upstream.of(instances(weights: [4, 4, 4, 1, 1, 1]), PowerOfTwoBalancer(by: measure))
        for endpoint in upstream.known {
            endpoint.load.begin()
            endpoint.load.finish(.success, latency: .milliseconds(10), now: .zero)
        }
        for _ in 0 ..< 1500 { _ = upstream.pick(PickRequest(now: .zero)) }
        let pending = upstream.known.map(\.load.pending)
        #expect(pending.prefix(3).allSatisfy { abs($0 - 400) <= 8 }, "\(pending)")
        #expect(pending.suffix(3).allSatisfy { abs($0 - 100) <= 8 }, "\(pending)")
    }

    @Test("prefers the faster one, and asks a slow one again when its latency is forgotten")
    func latency() {
        let upstream = Upstream.of(instances(2), PowerOfTwoBalancer(by: .latency))
        for (endpoint, milliseconds) in zip(upstream.known, [10, 100]) {
            endpoint.load.begin()
            endpoint.load.finish(.success, latency: .milliseconds(milliseconds), now: .zero)
        }
        #expect(Set(upstream.next(100)) == ["000"])
        upstream.known[0].load.begin()
        upstream.known[0].load.finish(.success, latency: .milliseconds(10), now: .seconds(40))
        #expect(upstream.choose(PickRequest(now: .seconds(40)))?.id == "001")
    }
}

@Suite("Least requests")
struct LeastRequestsTests {
    @Test("takes one with the fewest calls for its weight of a small list", arguments: [1, 2, 3] as [UInt64])
    func minimum(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0 ..< 200 {
            let weights = (0 ..< Int.random(in: 1 ... LeastRequestsBalancer.scanMax, using: &random))
                .map { _ in UInt16.random(in: 1 ... 5, using: &random) }
            let upstream = Upstream.of(instances(weights: weights), LeastRequestsBalancer())
            for endpoint in upstream.known {
                for _ in 0 ..< Int.random(in: 0 ... 9, using: &random) { endpoint.load.begin() }
            }
            func load(_ endpoint: Endpoint) -> Double { Double(endpoint.load.pending) / Double(endpoint.weight) }
            let least = try #require(upstream.known.map(load).min())
            let endpoint = try #require(upstream.choose(PickRequest(now: .zero)))
            #expect(load(endpoint) == least, "seed \(seed): \(weights)")
        }
    }

    @Test("uses idle endpoints by weight", arguments: [[3, 1], Array(repeating: 2, count: 50)] as [[UInt16]])
    func idle(weights: [UInt16]) {
        let picks = 20_000
        let counts = Upstream.of(instances(weights: weights), LeastRequestsBalancer()).counts(picks)
        let total = weights.reduce(0.0) { $0 + Double($1) }
        for (position, weight) in weights.enumerated() {
            let share = Double(weight) / total
            #expect(abs(Double(counts[padded(position)] ?? 0) - share * Double(picks)) < tolerance(picks, share))
        }
    }

    @Test("spreads calls that do not end over a large list, closer than chance would")
    func large() {
        let upstream = Upstream.of(instances(200), LeastRequestsBalancer())
        for _ in 0 ..< 200 * 20 { _ = upstream.pick(PickRequest(now: .zero)) }
        let pending = upstream.known.map(\.load.pending)
        #expect(pending.max()! - pending.min()! <= 4, "\(pending)")
    }
}
