// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("Back-off")
struct BackoffTests {
    @Test("full jitter fills the range up to a bound that doubles and stops at the maximum", arguments: 1 ... 200)
    func full(failures: Int) {
        var random = SeededGenerator(seed: UInt64(failures))
        let backoff = Backoff(initial: .milliseconds(25), maximum: .milliseconds(250), minimum: .zero)
        let bound: Duration = failures < 5 ? .milliseconds(25 * (1 << (failures - 1))) : .milliseconds(250)
        let delays = (0 ..< 1_000).map { _ in backoff.delay(afterFailures: failures, using: &random) }
        #expect(delays.allSatisfy { $0 >= .zero && $0 <= bound })
        #expect((delays.max() ?? .zero) > bound * 0.95)
        #expect((delays.min() ?? bound) < bound * 0.05)
        let mean = delays.reduce(.zero, +) / delays.count
        #expect(mean > bound * 0.43 && mean < bound * 0.57)
    }

    @Test("decorrelated jitter lies between the initial delay and three times the previous one", arguments: 0 ..< 50)
    func decorrelated(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let backoff = Backoff(
            initial: .milliseconds(10), maximum: .seconds(2), minimum: .zero, jitter: .decorrelated)
        var previous: Duration?
        var longest = Duration.zero
        for failures in 1 ... 500 {
            let delay = backoff.delay(afterFailures: failures, previous: previous, using: &random)
            #expect(delay >= .milliseconds(10), "seed \(seed)")
            #expect(delay <= min(.seconds(2), (previous ?? .milliseconds(10)) * 3), "seed \(seed)")
            longest = max(longest, delay)
            previous = delay
        }
        #expect(longest > .seconds(1), "seed \(seed)")
    }

    @Test("the minimum is waited whatever is drawn", arguments: [Backoff.Jitter.full, .decorrelated])
    func minimum(jitter: Backoff.Jitter) {
        var random = SeededGenerator(seed: 1)
        let backoff = Backoff(
            initial: .milliseconds(1), maximum: .milliseconds(5), minimum: .milliseconds(20), jitter: jitter)
        for failures in 1 ... 20 {
            #expect(backoff.delay(afterFailures: failures, using: &random) == .milliseconds(20))
        }
    }
}
