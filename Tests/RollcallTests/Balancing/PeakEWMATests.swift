// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The peak-EWMA latency")
struct PeakEWMATests {
    @Test("jumps to a peak and comes down by the decay time")
    func vectors() {
        var average = PeakEWMA(cost: 0.1, at: .zero)
        average.observe(0.05, at: .seconds(10))
        #expect(abs(average.cost - 0.068_394) < 1e-6)
        average.observe(0.2, at: .seconds(10))
        #expect(average.cost == 0.2)

        let idle = PeakEWMA(cost: 0.1, at: .zero)
        #expect(abs(idle.cost(at: .seconds(23.025_850_93)) - 0.01) < 1e-9)
        let failed = PeakEWMA(cost: 5, at: .zero)
        #expect(abs(failed.cost(at: .seconds(10)) - 1.839_397) < 1e-6)
    }

    @Test("decays alike in one step and in two", arguments: [1, 2, 3] as [UInt64])
    func memoryless(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0 ..< 500 {
            let cost = Double.random(in: 0.001 ... 10, using: &random)
            let first = Double.random(in: 0 ... 30, using: &random)
            let second = Double.random(in: 0 ... 30, using: &random)
            var halfway = PeakEWMA(cost: cost, at: .zero)
            halfway.raise(to: 0, at: .seconds(first))
            let (one, two) = (PeakEWMA(cost: cost, at: .zero).cost(at: .seconds(first) + .seconds(second)),
                halfway.cost(at: .seconds(first) + .seconds(second)))
            #expect(abs(one - two) <= 1e-9 * one, "seed \(seed): \(cost) over \(first) and \(second)")
        }
    }

    @Test("stays between the sample and what it was, and goes up to a higher sample", arguments: [4, 5, 6] as [UInt64])
    func bounds(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var average = PeakEWMA(at: .zero)
        var now = Instant.zero
        for _ in 0 ..< 1000 {
            // A clock that goes back now and then counts as standing still.
            now = now + .milliseconds(Int.random(in: -50 ... 500, using: &random))
            let before = average.cost
            let sample = Double.random(in: 0 ... 1, using: &random)
            average.observe(sample, at: now)
            #expect(average.cost >= min(sample, before) && average.cost <= max(sample, before), "seed \(seed)")
            if sample > before { #expect(average.cost == sample, "seed \(seed)") }
            let cost = average.cost(at: now)
            average.raise(to: 0.5, at: now)
            #expect(average.cost >= max(0.5, cost), "seed \(seed)")
        }
    }
}

@Suite("What calls teach about an endpoint")
struct EndpointLoadTests {
    private static func load(penalty: Duration = .seconds(5)) -> EndpointLoad {
        EndpointLoad(terms: LatencyTerms(decay: .seconds(10), penalty: penalty), since: .zero)
    }

    private static func finish(_ load: EndpointLoad, _ outcome: CallOutcome, _ seconds: Double, at now: Instant) {
        load.begin()
        load.finish(outcome, latency: .nanoseconds(Int64(seconds * 1e9)), now: now)
    }

    @Test("follows the exact average to within a tick", arguments: [1, 2, 3] as [UInt64])
    func packed(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let load = Self.load()
        var exact = PeakEWMA(at: .zero)
        var now = Instant.zero
        for step in 0 ..< 2000 {
            // Whole ticks, as it counts time in these.
            now = now + .nanoseconds(Int64.random(in: 0 ... 200, using: &random) << LatencyTerms.tickBits)
            let sample = Double.random(in: 0.001 ... 0.1, using: &random)
            switch Int.random(in: 0 ... 20, using: &random) {
            case 0:
                Self.finish(load, .failure(.serverError), sample, at: now)
                exact.raise(to: 5, at: now)
            default:
                Self.finish(load, .success, sample, at: now)
                exact.observe(sample, at: now)
            }
            let cost = try #require(load.latency(at: now))
            #expect(abs(cost - exact.cost(at: now)) < 1e-3 * exact.cost, "seed \(seed), step \(step)")
        }
        #expect(load.pending == 0)
    }

    @Test("a failure never looks fast", arguments: CallFailure.allCases)
    func failures(failure: CallFailure) throws {
        let load = Self.load()
        Self.finish(load, .success, 0.02, at: .zero)
        Self.finish(load, .failure(failure), 0.001, at: .seconds(1))
        #expect(try #require(load.latency(at: .seconds(1))) == 5)
        Self.finish(load, .failure(failure), 8, at: .seconds(2))
        #expect(try #require(load.latency(at: .seconds(2))) == 8)
        let decayed = try #require(load.latency(at: .seconds(3)))
        Self.finish(load, .failure(failure), 0.001, at: .seconds(3))
        #expect(try #require(load.latency(at: .seconds(3))) >= decayed)
    }

    @Test("a call that was given up counts only when it took longer than expected")
    func cancelled() throws {
        let load = Self.load()
        Self.finish(load, .cancelled, 0.01, at: .zero)
        #expect(load.latency(at: .zero) == nil, "it taught nothing")
        Self.finish(load, .success, 0.1, at: .zero)
        Self.finish(load, .cancelled, 0.05, at: .zero)
        #expect(abs(try #require(load.latency(at: .zero)) - 0.1) < 1e-6)
        Self.finish(load, .cancelled, 0.7, at: .zero)
        #expect(abs(try #require(load.latency(at: .zero)) - 0.7) < 1e-6)
        #expect(load.pending == 0)
    }

    @Test("expects more the more calls are under way, and tries an unknown one once")
    func expectation() {
        let load = Self.load()
        #expect(load.expectedCost(at: 0) == 0)
        load.begin()
        #expect(load.expectedCost(at: 0) == 10)
        load.finish(.success, latency: .milliseconds(10), now: .zero)
        var last: Float = 0
        for _ in 0 ..< 10 {
            let cost = load.expectedCost(at: 0)
            #expect(cost > last)
            last = cost
            load.begin()
        }
    }
}
