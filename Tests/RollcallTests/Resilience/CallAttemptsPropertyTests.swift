// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The tries of random calls")
struct CallAttemptsPropertyTests {
    @Test("one answer a call, every try ended or cancelled, within tries, time and budgets", arguments: 0 ..< 40)
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var driver = RandomCalls(using: &random)
        for number in 0 ..< 500 {
            if let fault = driver.call(using: &random) {
                Issue.record("seed \(seed) call \(number): \(fault)")
                return
            }
        }
        #expect(driver.isWithinBudgets == true, "seed \(seed)")
        #expect(driver.hasTriedAll == true, "seed \(seed)")
    }

    /// What a call without copies comes to, told as a loop.
    private struct Model {
        var policy: RetryPolicy
        var isIdempotent: Bool
        var deadline: Instant
        var pause: Duration

        /// - Parameter script: What each try comes to, and how long after its beginning.
        func run(_ script: [(CallOutcome, Duration, Pushback?)]) -> (CallStep<Int>.Answer, tries: Int, at: Instant) {
            let end = min(deadline, .zero + (policy.totalTimeout ?? .seconds(1_000_000)))
            var now = Instant.zero
            for number in script.indices {
                var (outcome, duration, pushback) = script[number]
                if let bound = policy.attemptTimeout, duration >= bound {
                    (outcome, duration, pushback) = (.failure(.timeout), bound, nil)
                }
                if now + duration >= end { return (.giveUp(.deadline, last: number), number + 1, end) }
                now = now + duration
                guard case .failure(let failure) = outcome else { return (.finish(number: number), number + 1, now) }
                func giveUp(_ reason: CallGiveUp) -> (CallStep<Int>.Answer, tries: Int, at: Instant) {
                    (.giveUp(reason, last: number), number + 1, now)
                }
                if failure != .connect && !isIdempotent { return giveUp(.notRetryable) }
                var wait = pause
                if case .after(let least) = pushback {
                    if least > policy.longestPushback { return giveUp(.pushedBack) }
                    wait = max(wait, least)
                }
                if pushback == .never { return giveUp(.pushedBack) }
                if number + 1 >= policy.maximumAttempts { return giveUp(.attemptsExhausted) }
                if now + wait >= end { return giveUp(.deadline) }
                now = now + wait
            }
            return (.giveUp(.attemptsExhausted, last: nil), 0, now)
        }
    }

    @Test("without copies it comes to what a plain loop comes to")
    func loop() {
        var reasons: [CallGiveUp: Int] = [:]
        for seed in 0 ..< 5_000 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            let pause = Duration.milliseconds(Int.random(in: 1 ... 100, using: &random))
            let policy = RetryPolicy(
                maximumAttempts: .random(in: 1 ... 5, using: &random),
                attemptTimeout: Bool.random(using: &random) ? .milliseconds(500) : nil,
                totalTimeout: Bool.random(using: &random) ? .milliseconds(1_500) : nil,
                backoff: Backoff(initial: .zero, maximum: .zero, minimum: pause), longestPushback: .milliseconds(300))
            let model = Model(
                policy: policy, isIdempotent: Int.random(in: 0 ..< 4, using: &random) > 0,
                deadline: .zero + .milliseconds(Int.random(in: 1 ... 4_000, using: &random)), pause: pause)
            let script = (0 ..< policy.maximumAttempts).map { _ in Self.step(using: &random) }

            var budgets = CallBudgets()
            var call = CallAttempts<Int>(
                policy, isIdempotent: model.isIdempotent, deadline: Deadline(model.deadline))
            var now = Instant.zero
            var step = call.begin(now: now, budgets: &budgets)
            var ending: (number: Int, at: Instant)?
            while step.answer == nil {
                if let start = step.start { ending = (start.number, now + script[start.number].1) }
                if !step.cancel.isEmpty { ending = nil }
                if let next = ending, next.at < (call.wake ?? .distantFuture) {
                    now = next.at
                    let (outcome, _, pushback) = script[next.number]
                    ending = nil
                    step = call.ended(
                        next.number, outcome, pushback: pushback, now: now, budgets: &budgets, using: &random)
                } else {
                    guard let wake = call.wake else { break }
                    now = wake
                    step = call.advance(to: now, budgets: &budgets, using: &random)
                }
            }
            let expected = model.run(script)
            #expect(step.answer == expected.0, "seed \(seed)")
            #expect(call.attempts.count == expected.tries, "seed \(seed)")
            #expect(now == expected.at, "seed \(seed)")
            if case .giveUp(let reason, _) = step.answer { reasons[reason, default: 0] += 1 }
        }
        for reason in [CallGiveUp.notRetryable, .attemptsExhausted, .deadline, .pushedBack] {
            #expect((reasons[reason] ?? 0) > 100, "\(reason)")
        }
    }

    private static func step(using random: inout SeededGenerator) -> (CallOutcome, Duration, Pushback?) {
        let duration = Duration.milliseconds(Int.random(in: 0 ... 700, using: &random))
        if Int.random(in: 0 ..< 4, using: &random) == 0 { return (.success, duration, nil) }
        let failure = CallFailure.allCases[Int.random(in: 0 ..< CallFailure.allCases.count, using: &random)]
        switch Int.random(in: 0 ..< 12, using: &random) {
        case 0: return (.failure(failure), duration, .never)
        case 1, 2:
            return (.failure(failure), duration, .after(.milliseconds(Int.random(in: 0 ... 400, using: &random))))
        default: return (.failure(failure), duration, nil)
        }
    }
}

/// Calls with random policies that share their budgets, each driven by random events and held against the rules.
private struct RandomCalls {
    private var budgets: CallBudgets
    private var now = Instant.zero
    private var begun = 0
    private var idempotent = 0
    private var retries = 0
    private var hedges = 0
    private let ratio: Double
    private let hasHedging: Bool

    init(using random: inout SeededGenerator) {
        ratio = Bool.random(using: &random) ? 5 : 0.2
        hasHedging = Int.random(in: 0 ..< 4, using: &random) > 0
        // A window that outlasts the calls: the bounds are sums over all of them.
        let window = Duration.seconds(1_000_000)
        let policy = HedgingPolicy(
            delay: Bool.random(using: &random)
                ? .fixed(.milliseconds(20)) : .quantile(0.9, minimum: .milliseconds(1)),
            maximumHedges: .random(in: 1 ... 3, using: &random),
            budget: .init(ratio: ratio / 2, reservePerSecond: 0, window: window))
        budgets = CallBudgets(
            retries: RetryBudget(.init(ratio: ratio, reservePerSecond: 0, window: window)),
            hedging: hasHedging ? Hedging(policy, now: .zero) : nil)
    }

    /// Whether everything that was retried and copied was paid.
    var isWithinBudgets: Bool {
        Double(retries) <= ratio * Double(begun) && Double(hedges) <= ratio / 2 * Double(idempotent)
            && (hasHedging || hedges == 0)
    }

    /// Whether what the budgets allow in plenty did happen.
    var hasTriedAll: Bool { ratio < 1 || (retries > 50 && (!hasHedging || hedges > 5)) }

    /// One call, as it is seen from outside.
    private struct View {
        let policy: RetryPolicy
        let isIdempotent: Bool
        let deadline: Instant
        let hedgesMax: Int
        var open: Set<Int> = []
        var closed: Set<Int> = []
        var endpoints: [Int] = []
        var failures: [CallFailure] = []
        var notBefore = Instant.zero
        var succeeded: Int?
        var copies = 0
        var retries = 0
        var answer: CallStep<Int>.Answer?

        /// What is wrong with a step, if anything.
        mutating func check(_ step: CallStep<Int>, now: Instant) -> String? {
            if answer != nil { return step == CallStep() ? nil : "a step after the answer" }
            for cancellation in step.cancel {
                guard open.remove(cancellation.number) != nil else { return "cancels what is not under way" }
                closed.insert(cancellation.number)
                if cancellation.outcome == .failure(.timeout) { failures.append(.timeout) }
            }
            if let start = step.start {
                if step.answer != nil { return "starts a try and answers" }
                if now >= deadline { return "starts a try after the deadline" }
                if start.deadline.instant > deadline { return "a try outlasts the call" }
                if let bound = policy.attemptTimeout, start.deadline.instant > now + bound { return "a try too long" }
                if start.number != open.count + closed.count { return "a number twice" }
                if start.excluding != endpoints { return "excludes \(start.excluding), not \(endpoints)" }
                if start.needsOtherEndpoint {
                    copies += 1
                    if !isIdempotent || open.isEmpty || copies > hedgesMax { return "a copy that may not be" }
                } else if start.number > 0 {
                    retries += 1
                    if retries > failures.count { return "more retries than failures" }
                    if !isIdempotent, failures.contains(where: { $0 != .connect }) { return "an unsafe retry" }
                    if now < notBefore { return "a retry before its time" }
                }
                open.insert(start.number)
                if open.count > 1 + hedgesMax { return "too many at once" }
            }
            guard let answer = step.answer else {
                return open.isEmpty && now >= deadline ? "no answer at the deadline" : nil
            }
            self.answer = answer
            if !open.isEmpty { return "a try is left behind" }
            switch answer {
            case .finish(let number): return number == succeeded ? nil : "an answer that was none"
            case .giveUp(.attemptsExhausted, _) where endpoints.count != policy.maximumAttempts:
                return "exhausted after \(endpoints.count)"
            case .giveUp(.notRetryable, _) where isIdempotent || failures.allSatisfy { $0 == .connect }:
                return "could have been retried"
            case .giveUp: return succeeded == nil ? nil : "gives up a good answer"
            }
        }
    }

    /// Runs a call to its end.
    ///
    /// - Returns: What was wrong, if anything.
    mutating func call(using random: inout SeededGenerator) -> String? {
        let policy = RetryPolicy(
            maximumAttempts: .random(in: 1 ... 5, using: &random),
            attemptTimeout: Bool.random(using: &random) ? .milliseconds(100) : nil,
            totalTimeout: Bool.random(using: &random) ? .milliseconds(400) : nil,
            backoff: Backoff(
                initial: .milliseconds(10), maximum: .milliseconds(50), minimum: .milliseconds(1),
                jitter: Bool.random(using: &random) ? .full : .decorrelated))
        let isIdempotent = Int.random(in: 0 ..< 4, using: &random) > 0
        let incoming = now + .milliseconds(Int.random(in: 0 ... 600, using: &random))
        var call = CallAttempts<Int>(policy, isIdempotent: isIdempotent, deadline: Deadline(incoming))
        var view = View(
            policy: policy, isIdempotent: isIdempotent,
            deadline: min(incoming, now + (policy.totalTimeout ?? .seconds(60))),
            hedgesMax: budgets.hedging?.policy.maximumHedges ?? 0)
        if now < view.deadline {
            begun += 1
            if isIdempotent { idempotent += 1 }
        }
        // Other calls of the client, so that there are quantiles.
        for _ in 0 ..< 20 {
            budgets.hedging?.record(.milliseconds(Int.random(in: 1 ... 30, using: &random)), now: now)
        }
        var step = call.begin(now: now, budgets: &budgets)
        for _ in 0 ..< 500 {
            if let fault = view.check(step, now: now) { return fault }
            if view.answer != nil { break }
            if let start = step.start, let fault = pick(&call, &view, start, using: &random) { return fault }
            if view.answer != nil { break }
            step = event(&call, &view, using: &random)
        }
        retries += view.retries
        hedges += view.copies
        guard view.answer != nil, call.isOver, call.wake == nil else { return "no answer" }
        guard view.endpoints.count <= max(1, policy.maximumAttempts) else { return "too many tries" }
        guard call.attempts.allSatisfy({ $0.outcome != nil && ($0.end ?? .zero) >= $0.start }) else {
            return "an open record"
        }
        let late = call.ended(0, .success, now: now, budgets: &budgets, using: &random)
        return view.check(late, now: now) ?? view.check(call.cancelled(now: now), now: now)
    }

    private mutating func pick(
        _ call: inout CallAttempts<Int>, _ view: inout View, _ start: CallStep<Int>.Start,
        using random: inout SeededGenerator
    ) -> String? {
        if Int.random(in: 0 ..< 20, using: &random) == 0 {
            view.open.remove(start.number)
            view.closed.insert(start.number)
            return view.check(call.nothingToPick(for: start.number, now: now), now: now)
        }
        let endpoint = Int.random(in: 0 ..< 5, using: &random)
        view.endpoints.append(endpoint)
        call.picked(endpoint, for: start.number)
        return nil
    }

    private mutating func event(
        _ call: inout CallAttempts<Int>, _ view: inout View, using random: inout SeededGenerator
    ) -> CallStep<Int> {
        switch Int.random(in: 0 ..< 40, using: &random) {
        case 0:
            return call.cancelled(now: now)
        case 1 ..< 15:
            // An event of a try that is over, which has to be without effect.
            if let number = view.closed.min(), Bool.random(using: &random) {
                return call.ended(number, .success, now: now, budgets: &budgets, using: &random)
            }
            guard let number = view.open.sorted().randomElement(using: &random) else { break }
            now = min(max(now, (call.wake ?? now) - .nanoseconds(1)), now + .milliseconds(5))
            return end(&call, &view, number, using: &random)
        default: break
        }
        // Sometimes the timer is late.
        let delay = Duration.milliseconds(Int.random(in: 0 ..< 4, using: &random) == 0 ? 30 : 0)
        now = max(now, (call.wake ?? now) + delay)
        return call.advance(to: now, budgets: &budgets, using: &random)
    }

    private mutating func end(
        _ call: inout CallAttempts<Int>, _ view: inout View, _ number: Int, using random: inout SeededGenerator
    ) -> CallStep<Int> {
        view.open.remove(number)
        view.closed.insert(number)
        guard Int.random(in: 0 ..< 4, using: &random) > 0 else {
            view.succeeded = number
            return call.ended(number, .success, now: now, budgets: &budgets, using: &random)
        }
        let failures = CallFailure.allCases + [.connect, .connect]
        let failure = failures[Int.random(in: 0 ..< failures.count, using: &random)]
        view.failures.append(failure)
        guard failure == .overloaded else {
            return call.ended(number, .failure(failure), now: now, budgets: &budgets, using: &random)
        }
        let pause = Duration.milliseconds(Int.random(in: 0 ... 50, using: &random))
        view.notBefore = max(view.notBefore, now + pause)
        return call.ended(
            number, .failure(failure), pushback: .after(pause), now: now, budgets: &budgets, using: &random)
    }
}
