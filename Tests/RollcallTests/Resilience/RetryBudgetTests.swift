// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Retry budget")
struct RetryBudgetTests {
    @Test("the reserve of the window is there from the start, and comes back when the window has passed")
    func reserve() {
        var budget = RetryBudget()
        for retry in 0 ..< 100 { #expect(budget.withdraw(now: .zero) == true, "retry \(retry)") }
        #expect(budget.withdraw(now: .zero) == false)
        #expect(budget.withdraw(now: .zero + .seconds(10)) == false)
        #expect(budget.withdraw(now: .zero + .seconds(11)) == true)
    }

    @Test("five requests pay for one retry, for as long as the window")
    func ratio() {
        var budget = RetryBudget(.init(reservePerSecond: 0))
        for _ in 0 ..< 4 { budget.deposit(now: .zero) }
        #expect(budget.withdraw(now: .zero) == false)
        budget.deposit(now: .zero)
        #expect(budget.spare(now: .zero) == 1)
        #expect(budget.withdraw(now: .zero) == true)
        #expect(budget.withdraw(now: .zero) == false)
        for _ in 0 ..< 50 { budget.deposit(now: .zero + .seconds(20)) }
        #expect(budget.spare(now: .zero + .milliseconds(29_999)) == 10)
        #expect(budget.spare(now: .zero + .seconds(30)) == 0)
    }

    @Test("a ratio that binary fractions cannot hold pays in full", arguments: [(0.1, 30, 3), (0.29, 100, 29)])
    func rounding(ratio: Double, requests: Int, retries: Int) {
        var budget = RetryBudget(.init(ratio: ratio, reservePerSecond: 0))
        for _ in 0 ..< requests { budget.deposit(now: .zero) }
        #expect(budget.spare(now: .zero) == retries)
    }

    @Test("a step backwards in time gives nothing back")
    func backwards() {
        var budget = RetryBudget(.init(reservePerSecond: 0.1))
        #expect(budget.withdraw(now: .zero + .seconds(100)) == true)
        #expect(budget.withdraw(now: .zero) == false)
        #expect(budget.withdraw(now: .zero + .seconds(110)) == false)
        #expect(budget.withdraw(now: .zero + .seconds(111)) == true)
    }

    /// The rule, applied to lists of instants.
    private struct Model {
        let configuration: RetryBudget.Configuration
        var requests: [Instant] = []
        var retries: [Instant] = []

        /// The most that any window could allow, and what is allowed when every slot is used up to its end.
        func spare(now: Instant, requestAge: Duration, retryAge: Duration) -> Double {
            let paid = configuration.ratio * Double(requests.count { now - $0 < requestAge })
            let free = configuration.reservePerSecond * configuration.window.inSeconds
            return paid + free - Double(retries.count { now - $0 < retryAge })
        }
    }

    @Test("no window has more retries than it pays for, and none is refused that is paid", arguments: 0 ..< 200)
    func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let configuration = RetryBudget.Configuration(
            ratio: Double.random(in: 0 ... 1, using: &random),
            reservePerSecond: Double(Int.random(in: 0 ... 3, using: &random)),
            window: .seconds(Int.random(in: 1 ... 20, using: &random)))
        let slot = configuration.window / 10
        var budget = RetryBudget(configuration)
        var model = Model(configuration: configuration)
        var now = Instant(nanoseconds: Int64.random(in: -20_000_000_000 ... 20_000_000_000, using: &random))
        var granted = 0
        for step in 0 ..< 800 {
            now = now + .milliseconds(Int.random(in: 0 ... 40, using: &random))
            if Int.random(in: 0 ..< 50, using: &random) == 0 {
                now = now + .milliseconds(Int.random(in: 0 ... 30_000, using: &random))
            }
            guard Bool.random(using: &random) else {
                budget.deposit(now: now)
                model.requests.append(now)
                continue
            }
            let spare = budget.spare(now: now)
            #expect(spare >= 0, "seed \(seed) step \(step)")
            if budget.withdraw(now: now) {
                model.retries.append(now)
                granted += 1
                let rest = model.spare(now: now, requestAge: configuration.window, retryAge: configuration.window)
                #expect(rest > -1e-6, "seed \(seed) step \(step)")
            } else {
                #expect(spare == 0, "seed \(seed) step \(step)")
                let rest = model.spare(
                    now: now, requestAge: configuration.window - slot, retryAge: configuration.window + slot)
                #expect(rest < 1 + 1e-6, "seed \(seed) step \(step)")
            }
        }
        #expect(granted > 0 || configuration.reservePerSecond == 0, "seed \(seed)")
    }

    @Test("a sliding sum is the sum of what was added in its slots", arguments: 0 ..< 100)
    func slidingSum(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let slots = Int.random(in: 1 ... 12, using: &random)
        let length = Int64.random(in: 1 ... 100, using: &random)
        var sum = SlidingSum<Int>(slotLength: .nanoseconds(length), slots: slots)
        var added: [(slot: Int64, value: Int)] = []
        var now = Int64.random(in: -10_000 ... 10_000, using: &random)
        var latest = Int64.min
        for step in 0 ..< 500 {
            now += Int64.random(in: -20 ... 60, using: &random)
            latest = max(latest, now)
            let present = Int64((Double(latest) / Double(length)).rounded(.down))
            let value = Int.random(in: 0 ... 9, using: &random)
            if value > 4 {
                sum.add(value, now: Instant(nanoseconds: now))
                added.append((present, value))
            } else {
                sum.advance(to: Instant(nanoseconds: now))
            }
            let expected = added.reduce(0) { $0 + (present - $1.slot < slots ? $1.value : 0) }
            #expect(sum.total == expected, "seed \(seed) step \(step)")
        }
    }
}
