// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Hedging")
struct HedgingTests {
    @Test("a fixed delay is known from the first call on")
    func fixed() {
        var hedging = Hedging(HedgingPolicy(delay: .fixed(.milliseconds(50))), now: .zero)
        #expect(hedging.delay(now: .zero) == .milliseconds(50))
    }

    @Test("a quantile is known after a hundred calls, and follows what is seen at the latest after two windows")
    func quantile() {
        var hedging = Hedging(HedgingPolicy(delay: .quantile(0.9, minimum: .milliseconds(1))), now: .zero)
        for call in 1 ... 99 { hedging.record(.milliseconds(call), now: .zero) }
        #expect(hedging.delay(now: .zero) == nil)
        hedging.record(.milliseconds(100), now: .zero)
        let delay = hedging.delay(now: .zero) ?? .zero
        #expect(delay >= .milliseconds(90) && delay <= .milliseconds(90) * 17 / 16 + .microseconds(1))

        for second in 30 ..< 90 {
            for _ in 0 ..< 4 { hedging.record(.milliseconds(200), now: .zero + .seconds(second)) }
        }
        let later = hedging.delay(now: .zero + .seconds(90)) ?? .zero
        #expect(later >= .milliseconds(200) && later < .milliseconds(213))
    }

    @Test("the delay is never below the minimum")
    func minimum() {
        var hedging = Hedging(HedgingPolicy(delay: .quantile(0.5, minimum: .milliseconds(1))), now: .zero)
        for _ in 0 ..< 100 { hedging.record(.microseconds(3), now: .zero) }
        #expect(hedging.delay(now: .zero) == .milliseconds(1))
    }

    @Test("copies are at most 2 % of the calls of a window and its reserve")
    func budget() {
        var hedging = Hedging(now: .zero)
        for _ in 0 ..< 1_000 { hedging.deposit(now: .zero) }
        #expect((0 ..< 1_000).count { _ in hedging.withdraw(now: .zero) } == 21)
    }

    @Test("a quantile of the histogram is that of the sorted list, at most a sixteenth more", arguments: 0 ..< 100)
    func histogram(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var histogram = LatencyHistogram(now: .zero)
        #expect(histogram.quantile(0.5) == nil)
        var all: [Duration] = []
        let bits = Int64.random(in: 1 ... 42, using: &random)
        for _ in 0 ..< Int.random(in: 1 ... 2_000, using: &random) {
            let latency = Duration.nanoseconds(Int64.random(in: 0 ... (1 << bits), using: &random))
            all.append(latency)
            histogram.record(latency, now: .zero)
        }
        all.sort()
        for quantile in [0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1] {
            let exact = all[max(1, Int((quantile * Double(all.count)).rounded(.up))) - 1]
            let read = histogram.quantile(quantile) ?? .zero
            #expect(read >= exact, "seed \(seed), \(quantile)")
            #expect(read <= exact * 17 / 16 + .microseconds(1), "seed \(seed), \(quantile)")
        }
    }

    @Test("the histogram holds the calls of the present and the previous window, and takes any duration")
    func windows() {
        var histogram = LatencyHistogram(window: .seconds(30), now: .zero)
        histogram.record(.seconds(1_000_000), now: .zero)
        histogram.record(.seconds(-1), now: .zero + .seconds(29))
        #expect(histogram.count == 2)
        histogram.record(.seconds(1), now: .zero + .seconds(30))
        #expect(histogram.count == 3)
        histogram.advance(to: .zero + .seconds(60))
        #expect(histogram.count == 1)
        histogram.advance(to: .zero + .seconds(500))
        #expect(histogram.count == 0)
    }
}
