// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Concurrency limit")
struct ConcurrencyLimitTests {
    /// Starts as many calls as are let through, and ends them all.
    private func round(
        _ limit: inout ConcurrencyLimit, _ outcome: CallOutcome = .success, duration: Duration, count: Int = .max
    ) {
        var permits: [ConcurrencyLimit.Permit] = []
        while permits.count < count, let permit = limit.acquire() { permits.append(permit) }
        for permit in permits { limit.release(permit, outcome, duration: duration) }
    }

    @Test("a fixed limit lets through as many, and never changes")
    func fixed() {
        var limit = ConcurrencyLimit(.fixed(3))
        let permits = (0 ..< 5).compactMap { _ in limit.acquire() }
        #expect(permits.count == 3)
        limit.release(permits[0], .failure(.timeout), duration: .seconds(9))
        #expect(limit.acquire() != nil)
        #expect(limit.acquire() == nil)
        #expect(limit.limit == 3)
    }

    @Test("AIMD: one more for each call of a limit in use, a tenth less for a drop, within its bounds")
    func aimd() {
        var limit = ConcurrencyLimit(.aimd(.init(initial: 100)))
        var permits = (0 ..< 50).compactMap { _ in limit.acquire() }
        limit.release(permits[48], .success, duration: .zero)
        #expect(limit.limit == 100)
        limit.release(permits[49], .success, duration: .zero)
        #expect(limit.limit == 101)
        limit.release(permits[0], .failure(.overloaded), duration: .zero)
        #expect(limit.limit == 90)
        limit.release(permits[1], .success, duration: .milliseconds(5_001))
        #expect(limit.limit == 81)
        limit.release(permits[2], .failure(.connect), duration: .zero)
        limit.release(permits[3], .cancelled, duration: .seconds(50))
        #expect(limit.limit == 81)
        permits = Array(permits[4 ..< 48])
        for permit in permits { limit.release(permit, .failure(.timeout), duration: .zero) }
        #expect(limit.limit == 20)
        for _ in 0 ..< 20 { round(&limit, duration: .zero) }
        #expect(limit.limit == 200)
    }

    @Test("gradient2: steady durations let the limit grow by its queue, smoothed, up to the maximum")
    func steady() {
        var limit = ConcurrencyLimit(.gradient2(.init()))
        let permits = (0 ..< 20).compactMap { _ in limit.acquire() }
        // 20 * 0.8 + (20 * 1 + 4) * 0.2 = 20.8, and 20.8 * 0.8 + 24.8 * 0.2 = 21.6.
        limit.release(permits[18], .success, duration: .milliseconds(10))
        #expect(limit.limit == 20)
        limit.release(permits[19], .success, duration: .milliseconds(10))
        #expect(limit.limit == 21)
        for permit in permits[..<18] { limit.release(permit, .cancelled, duration: .zero) }
        for _ in 0 ..< 20 { round(&limit, duration: .milliseconds(10)) }
        #expect(limit.limit == 200)
    }

    @Test("gradient2: calls that take three times as long as usual bring the limit down, and it comes back after")
    func overload() {
        var limit = ConcurrencyLimit(.gradient2(.init(initial: 100)))
        for _ in 0 ..< 10 { round(&limit, duration: .milliseconds(10)) }
        #expect(limit.limit > 150)
        round(&limit, duration: .milliseconds(30))
        #expect(limit.limit < 75)
        for _ in 0 ..< 100 { round(&limit, duration: .milliseconds(10)) }
        #expect(limit.limit > 150)
    }

    @Test("gradient2: a fifth of the way to half after a drop")
    func drop() {
        var limit = ConcurrencyLimit(.gradient2(.init(initial: 100)))
        round(&limit, .failure(.timeout), duration: .seconds(5), count: 1)
        #expect(limit.limit == 90)
    }

    @Test(
        "gradient2: a service that holds 50 calls at once is given about as many, not half and not twice",
        arguments: [25, 150])
    func converges(initial: Int) {
        let capacity = 50
        var limit = ConcurrencyLimit(.gradient2(.init(initial: initial, tolerance: 1)))
        for _ in 0 ..< 3 { round(&limit, duration: .milliseconds(10), count: 10) }
        var seen: [Int] = []
        for turn in 0 ..< 60 {
            let load = limit.limit
            round(&limit, duration: .microseconds(10_000 * max(load, capacity) / capacity))
            if turn >= 20 { seen.append(limit.limit) }
        }
        let mean = seen.reduce(0, +) / seen.count
        #expect(mean >= capacity && mean < capacity * 3 / 2, "\(seen)")
        #expect((seen.min() ?? 0) > capacity / 2 && (seen.max() ?? 999) < capacity * 2, "\(seen)")
    }

    @Test("whatever happens it stays in its bounds, a drop never raises it, and it does not grow unused")
    func property() {
        for seed in 0 ..< 200 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let algorithms: [ConcurrencyLimit.Algorithm] = [
                .fixed(20), .aimd(.init(minimum: 5, maximum: 60)), .gradient2(.init(minimum: 5, maximum: 60)),
            ]
            var limit = ConcurrencyLimit(algorithms[Int(seed % 3)])
            var permits: [ConcurrencyLimit.Permit] = []
            for step in 0 ..< 1_000 {
                if permits.isEmpty || Int.random(in: 0 ..< 5, using: &random) < 3 {
                    let isFree = permits.count < limit.limit
                    let permit = limit.acquire()
                    #expect((permit != nil) == isFree, "seed \(seed) step \(step)")
                    if let permit { permits.append(permit) }
                } else {
                    let permit = permits.remove(at: Int.random(in: 0 ..< permits.count, using: &random))
                    let outcomes: [CallOutcome] = [
                        .success, .success, .success, .cancelled, .failure(.timeout), .failure(.serverError),
                    ]
                    let outcome = outcomes[Int.random(in: 0 ..< outcomes.count, using: &random)]
                    let before = limit.limit
                    let duration = Duration.microseconds(Int.random(in: 0 ... 20_000, using: &random))
                    limit.release(permit, outcome, duration: duration)
                    if outcome != .success { #expect(limit.limit <= before, "seed \(seed) step \(step)") }
                    if 2 * permit.inFlight < before { #expect(limit.limit <= before, "seed \(seed) step \(step)") }
                }
                #expect(limit.inFlight == permits.count, "seed \(seed) step \(step)")
                #expect((5 ... 60).contains(limit.limit), "seed \(seed) step \(step)")
            }
        }
    }
}
