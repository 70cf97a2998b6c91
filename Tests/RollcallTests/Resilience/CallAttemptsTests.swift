// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The tries of a call")
struct CallAttemptsTests {
    typealias Call = CallAttempts<String>
    private var random = SeededGenerator(seed: 1)
    private var budgets = CallBudgets()
    private var now = Instant.zero
    /// Pauses of exactly 10 ms.
    private let policy = RetryPolicy(
        backoff: Backoff(initial: .zero, maximum: .zero, minimum: .milliseconds(10)))

    private mutating func begin(_ call: inout Call, at endpoint: String) -> Call.Step {
        let step = call.begin(now: now, budgets: &budgets)
        if let start = step.start { call.picked(endpoint, for: start.number) }
        return step
    }

    private mutating func end(
        _ call: inout Call, _ number: Int, _ outcome: CallOutcome, pushback: Pushback? = nil
    ) -> Call.Step {
        call.ended(number, outcome, pushback: pushback, now: now, budgets: &budgets, using: &random)
    }

    /// Goes to the instant the call asks for.
    private mutating func wake(_ call: inout Call, at endpoint: String? = nil) -> Call.Step {
        now = call.wake ?? now
        let step = call.advance(to: now, budgets: &budgets, using: &random)
        if let start = step.start, let endpoint { call.picked(endpoint, for: start.number) }
        return step
    }

    @Test("a good answer of the first try is the answer")
    mutating func success() {
        var call = Call(policy, isIdempotent: true)
        let step = begin(&call, at: "a")
        #expect(step.start?.excluding == [])
        #expect(step.start?.deadline == Deadline(.zero + .seconds(5)))
        #expect(end(&call, 0, .success).answer == .finish(number: 0))
        #expect(call.wake == nil)
        #expect(end(&call, 0, .success) == Call.Step())
    }

    @Test("with the defaults an idempotent call survives a dead and a broken instance, each tried once")
    mutating func survives() {
        var call = Call(RetryPolicy(), isIdempotent: true)
        _ = begin(&call, at: "dead")
        #expect(end(&call, 0, .failure(.connect)) == Call.Step())
        #expect(wake(&call, at: "broken").start?.excluding == ["dead"])
        #expect(end(&call, 1, .failure(.serverError)) == Call.Step())
        #expect(wake(&call, at: "good").start?.excluding == ["dead", "broken"])
        #expect(end(&call, 2, .success).answer == .finish(number: 2))
        #expect(now < .zero + .milliseconds(75))
        #expect(call.attempts.map(\.endpoint) == ["dead", "broken", "good"])
        #expect(call.attempts.map(\.outcome) == [.failure(.connect), .failure(.serverError), .success])
    }

    @Test("after as many tries as allowed the call is given up, with the last try at hand")
    mutating func exhausted() {
        var call = Call(policy, isIdempotent: true)
        _ = begin(&call, at: "a")
        _ = end(&call, 0, .failure(.serverError))
        _ = wake(&call, at: "b")
        _ = end(&call, 1, .failure(.serverError))
        _ = wake(&call, at: "c")
        #expect(end(&call, 2, .failure(.serverError)).answer == .giveUp(.attemptsExhausted, last: 2))
    }

    @Test("a request that must not be repeated is tried again only if it was never sent")
    mutating func notIdempotent() {
        var call = Call(policy, isIdempotent: false)
        _ = begin(&call, at: "a")
        #expect(end(&call, 0, .failure(.connect)) == Call.Step())
        #expect(wake(&call, at: "b").start?.number == 1)
        #expect(end(&call, 1, .failure(.connectionLost)).answer == .giveUp(.notRetryable, last: 1))
    }

    @Test("a try that takes too long is cancelled, teaches its endpoint, and is followed by another")
    mutating func timeout() {
        var call = Call(policy, isIdempotent: true)
        _ = begin(&call, at: "hung")
        let step = wake(&call)
        #expect(now == .zero + .seconds(5))
        #expect(step.cancel == [.init(number: 0, outcome: .failure(.timeout))])
        #expect(wake(&call, at: "b").start?.excluding == ["hung"])
        #expect(end(&call, 0, .success) == Call.Step())
        #expect(end(&call, 1, .success).answer == .finish(number: 1))
    }

    @Test("no try outlasts the deadline of the call, and none begins after it")
    mutating func deadline() {
        var call = Call(policy, isIdempotent: true, deadline: Deadline(.zero + .seconds(6)))
        _ = begin(&call, at: "hung")
        _ = wake(&call)
        #expect(wake(&call, at: "hung too").start?.deadline == Deadline(.zero + .seconds(6)))
        let step = wake(&call)
        #expect(now == .zero + .seconds(6))
        #expect(step.cancel == [.init(number: 1, outcome: .failure(.timeout))])
        #expect(step.answer == .giveUp(.deadline, last: 1))

        var late = Call(policy, isIdempotent: true, deadline: Deadline(now))
        #expect(begin(&late, at: "a").answer == .giveUp(.deadline, last: nil))
    }

    @Test("a pause that would not end before the deadline is not begun")
    mutating func noTime() {
        var call = Call(policy, isIdempotent: true, deadline: Deadline(.zero + .milliseconds(10)))
        _ = begin(&call, at: "a")
        #expect(end(&call, 0, .failure(.connect)).answer == .giveUp(.deadline, last: 0))
    }

    @Test("what a server asks to wait is waited, unless it is too long or for ever")
    mutating func pushback() {
        let busy = CallOutcome.failure(.overloaded)
        var call = Call(policy, isIdempotent: true)
        _ = begin(&call, at: "a")
        #expect(end(&call, 0, busy, pushback: .after(.seconds(2))) == Call.Step())
        #expect(wake(&call, at: "b").start != nil)
        #expect(now == .zero + .seconds(2))
        #expect(end(&call, 1, busy, pushback: .after(.seconds(6))).answer == .giveUp(.pushedBack, last: 1))

        var other = Call(policy, isIdempotent: true)
        _ = begin(&other, at: "a")
        #expect(end(&other, 0, busy, pushback: .never).answer == .giveUp(.pushedBack, last: 0))
    }

    @Test("when all calls together have retried enough, a failure is final")
    mutating func budget() {
        budgets = CallBudgets(retries: RetryBudget(.init(ratio: 0, reservePerSecond: 0.1)))
        var call = Call(policy, isIdempotent: true)
        _ = begin(&call, at: "a")
        #expect(end(&call, 0, .failure(.connect)).answer == nil)
        _ = wake(&call, at: "b")
        #expect(end(&call, 1, .failure(.connect)).answer == .giveUp(.budgetExhausted, last: 1))
    }

    @Test("without an endpoint the call ends at once")
    mutating func noEndpoint() {
        var call = Call(policy, isIdempotent: true)
        #expect(call.begin(now: now, budgets: &budgets).start?.number == 0)
        #expect(call.nothingToPick(for: 0, now: now).answer == .giveUp(.noEndpoint, last: nil))
    }

    @Test("a caller that gives up cancels what is under way, and nothing is learnt from it")
    mutating func cancelled() {
        var call = Call(policy, isIdempotent: true)
        _ = begin(&call, at: "a")
        let step = call.cancelled(now: now)
        #expect(step.cancel == [.init(number: 0, outcome: .cancelled)])
        #expect(step.answer == .giveUp(.cancelled, last: nil))
        #expect(call.cancelled(now: now) == Call.Step())
    }

    private func hedging(_ policy: HedgingPolicy = HedgingPolicy(delay: .fixed(.milliseconds(50)))) -> CallBudgets {
        CallBudgets(hedging: Hedging(policy, now: .zero))
    }

    @Test("a slow try gets a copy at another endpoint; the first good answer wins and the loser is cancelled")
    mutating func hedge() {
        budgets = hedging()
        var call = Call(policy, isIdempotent: true)
        _ = begin(&call, at: "slow")
        let step = wake(&call, at: "fast")
        #expect(now == .zero + .milliseconds(50))
        #expect(step.start?.needsOtherEndpoint == true && step.start?.excluding == ["slow"])
        let last = end(&call, 1, .success)
        #expect(last.answer == .finish(number: 1))
        #expect(last.cancel == [.init(number: 0, outcome: .cancelled)])
        #expect(call.attempts.map(\.isHedge) == [false, true])
    }

    @Test("a request that must not be repeated gets no copy")
    mutating func noHedge() {
        budgets = hedging()
        var call = Call(policy, isIdempotent: false)
        _ = begin(&call, at: "slow")
        #expect(call.wake == .zero + .seconds(5))
    }

    @Test("where there is no other endpoint the copy is not made, and uses up no try")
    mutating func hedgeWithoutEndpoint() {
        budgets = hedging()
        var call = Call(policy, isIdempotent: true)
        _ = begin(&call, at: "only")
        #expect(wake(&call).start?.number == 1)
        #expect(call.nothingToPick(for: 1, now: now) == Call.Step())
        _ = end(&call, 0, .failure(.connectionLost))
        #expect(wake(&call, at: "only").start?.number == 2)
        _ = end(&call, 2, .failure(.connectionLost))
        #expect(wake(&call, at: "only").start?.number == 3)
        #expect(end(&call, 3, .failure(.connectionLost)).answer == .giveUp(.attemptsExhausted, last: 3))
    }

    @Test("a copy that fails does not end the call while the first try is under way")
    mutating func hedgeFails() {
        budgets = hedging()
        var call = Call(RetryPolicy(maximumAttempts: 2), isIdempotent: true)
        _ = begin(&call, at: "slow")
        _ = wake(&call, at: "broken")
        #expect(end(&call, 1, .failure(.serverError)) == Call.Step())
        #expect(end(&call, 0, .success).answer == .finish(number: 0))
    }

    @Test("copies without budget are not sent")
    mutating func hedgeBudget() {
        budgets = hedging(
            HedgingPolicy(delay: .fixed(.milliseconds(50)), budget: .init(ratio: 0, reservePerSecond: 0)))
        var call = Call(policy, isIdempotent: true)
        _ = begin(&call, at: "slow")
        #expect(wake(&call) == Call.Step())
        #expect(call.wake == .zero + .seconds(5))
    }
}
