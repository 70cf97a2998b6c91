// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The course of one call: when a try is begun, when another one, and what the answer is.
///
/// A value without clock, network or randomness of its own. The owner tells what happens and does what the step says:
///
/// 1. ``begin(now:budgets:)`` once.
/// 2. For each start: pick an endpoint, and tell ``picked(_:for:)`` or ``nothingToPick(for:now:)``; when the try ends,
///    tell ``ended(_:_:pushback:now:budgets:using:)``.
/// 3. At ``wake``, tell ``advance(to:budgets:using:)``. It also ends the tries that took too long: the owner needs no
///    other timer.
/// 4. Until a step has an answer. Each call gets exactly one, every try begun has ended or is cancelled by then, and
///    what is told afterwards has no effect.
public struct CallAttempts<Endpoint: Hashable & Sendable>: Sendable {
    /// What is to be done after an event.
    public typealias Step = CallStep<Endpoint>

    /// When a try is repeated, and how often.
    public let policy: RetryPolicy
    /// Whether the call may be acted upon twice.
    public let isIdempotent: Bool
    /// Until when the call has to have an answer.
    public private(set) var deadline: Deadline
    /// All tries so far, in the order of their beginning.
    public private(set) var attempts: [CallAttempt<Endpoint>] = []
    /// Whether the call has its answer.
    public private(set) var isOver = false
    /// When the next try after a failure begins.
    private var retryAt: Instant?
    /// When a copy is sent, if nothing ends before.
    private var hedgeAt: Instant?
    private var hedges = 0
    /// How many tries were not made for want of an endpoint.
    private var unmade = 0
    private var failures = 0
    private var lastPause: Duration?
    /// The last try that ended by itself or for lack of time.
    private var lastEnded: Int?
    /// Why no further try is made, from when that is known until those under way have ended.
    private var verdict: CallGiveUp?

    /// - Parameters:
    ///   - isIdempotent: Whether the request may be acted upon twice, and its content can be sent twice.
    ///   - deadline: The caller's. The policy's total time-out makes it no later.
    public init(_ policy: RetryPolicy, isIdempotent: Bool, deadline: Deadline = .none) {
        self.policy = policy
        self.isIdempotent = isIdempotent
        self.deadline = deadline
    }

    /// When ``advance(to:budgets:using:)`` has something to do; `nil` for never.
    public var wake: Instant? {
        guard !isOver, !attempts.isEmpty else { return nil }
        var next = min(deadline.instant, retryAt ?? .distantFuture, hedgeAt ?? .distantFuture)
        for attempt in attempts where attempt.outcome == nil { next = min(next, attempt.deadline.instant) }
        return next == .distantFuture ? nil : next
    }

    // MARK: Events

    /// The call begins.
    public mutating func begin(now: Instant, budgets: inout CallBudgets) -> Step {
        precondition(attempts.isEmpty && !isOver, "a call begins once")
        deadline = deadline.limited(to: policy.totalTimeout, now: now)
        var step = Step()
        guard !deadline.isPassed(now: now) else {
            giveUp(.deadline, now: now, &step)
            return step
        }
        budgets.retries.deposit(now: now)
        if isIdempotent { budgets.hedging?.deposit(now: now) }
        start(isHedge: false, now: now, &budgets, &step)
        return step
    }

    /// The try goes to this endpoint.
    public mutating func picked(_ endpoint: Endpoint, for number: Int) {
        guard attempts.indices.contains(number) else { return }
        attempts[number].endpoint = endpoint
    }

    /// There is no endpoint for the try, or none that it is of use at.
    public mutating func nothingToPick(for number: Int, now: Instant) -> Step {
        var step = Step()
        guard !isOver, attempts.indices.contains(number), attempts[number].outcome == nil else { return step }
        end(number, .cancelled, now: now)
        unmade += 1
        // What is not there now for this copy is not there for the next one.
        hedgeAt = nil
        if !attempts[number].isHedge { stop(.noEndpoint) }
        giveUpIfNothingIsLeft(now: now, &step)
        return step
    }

    /// A try ended. When it was cancelled by a step before, that is without effect.
    ///
    /// - Parameter pushback: What the server that failed said about trying again.
    public mutating func ended(
        _ number: Int, _ outcome: CallOutcome, pushback: Pushback? = nil, now: Instant, budgets: inout CallBudgets,
        using random: inout some RandomNumberGenerator
    ) -> Step {
        var step = Step()
        guard !isOver, attempts.indices.contains(number), attempts[number].outcome == nil else { return step }
        end(number, outcome, now: now)
        switch outcome {
        case .success:
            if isIdempotent { budgets.hedging?.record(now - attempts[number].start, now: now) }
            lastEnded = number
            cancelAll(as: .cancelled, now: now, &step)
            // A copy that was slower would have taken at least so long: left out, the slow would be missing.
            if isIdempotent {
                for loser in step.cancel {
                    budgets.hedging?.record(now - attempts[loser.number].start, now: now)
                }
            }
            answer(.finish(number: number), &step)
        case .failure(let failure):
            lastEnded = number
            failed(failure, pushback, now: now, &budgets, using: &random)
            giveUpIfNothingIsLeft(now: now, &step)
        case .cancelled:
            // Nobody here cancelled it, so the caller did.
            giveUp(.cancelled, as: .cancelled, now: now, &step)
        }
        return step
    }

    /// The caller is no longer interested.
    public mutating func cancelled(now: Instant) -> Step {
        var step = Step()
        if !isOver { giveUp(.cancelled, as: .cancelled, now: now, &step) }
        return step
    }

    /// Time has passed.
    public mutating func advance(
        to now: Instant, budgets: inout CallBudgets, using random: inout some RandomNumberGenerator
    ) -> Step {
        var step = Step()
        guard !isOver, !attempts.isEmpty else { return step }
        guard !deadline.isPassed(now: now) else {
            giveUp(.deadline, now: now, &step)
            return step
        }
        for attempt in attempts where attempt.outcome == nil && attempt.deadline.isPassed(now: now) {
            end(attempt.number, .failure(.timeout), now: now)
            lastEnded = attempt.number
            step.cancel.append(.init(number: attempt.number, outcome: .failure(.timeout)))
            failed(.timeout, nil, now: now, &budgets, using: &random)
        }
        if let retryAt, retryAt <= now {
            self.retryAt = nil
            start(isHedge: false, now: now, &budgets, &step)
        } else if let hedgeAt, hedgeAt <= now {
            self.hedgeAt = nil
            hedge(now: now, &budgets, &step)
        }
        giveUpIfNothingIsLeft(now: now, &step)
        return step
    }

    // MARK: Decisions

    private var isUnderWay: Bool { attempts.contains { $0.outcome == nil } }

    private var mayTryAgain: Bool { attempts.count - unmade < policy.maximumAttempts }

    private mutating func start(isHedge: Bool, now: Instant, _ budgets: inout CallBudgets, _ step: inout Step) {
        let attempt = CallAttempt<Endpoint>(
            number: attempts.count, endpoint: nil, isHedge: isHedge, start: now,
            deadline: deadline.limited(to: policy.attemptTimeout, now: now))
        step.start = Step.Start(
            number: attempt.number, excluding: attempts.compactMap(\.endpoint), needsOtherEndpoint: isHedge,
            deadline: attempt.deadline)
        attempts.append(attempt)
        hedgeAt = nil
        guard isIdempotent, hedges < (budgets.hedging?.policy.maximumHedges ?? 0), mayTryAgain,
            let delay = budgets.hedging?.delay(now: now)
        else { return }
        hedgeAt = now + delay
    }

    private mutating func hedge(now: Instant, _ budgets: inout CallBudgets, _ step: inout Step) {
        // While a retry is waited for there is nothing to add to.
        guard verdict == nil, retryAt == nil, isUnderWay, mayTryAgain,
            budgets.hedging?.withdraw(now: now) == true
        else { return }
        hedges += 1
        start(isHedge: true, now: now, &budgets, &step)
    }

    /// A try failed: another one is arranged, or it is known why not.
    private mutating func failed(
        _ failure: CallFailure, _ pushback: Pushback?, now: Instant, _ budgets: inout CallBudgets,
        using random: inout some RandomNumberGenerator
    ) {
        failures += 1
        guard verdict == nil else { return }
        guard policy.retries(failure, isIdempotent: isIdempotent) else { return stop(.notRetryable) }
        var least = Duration.zero
        switch pushback {
        case .never: return stop(.pushedBack)
        case .after(let pause) where pause > policy.longestPushback: return stop(.pushedBack)
        case .after(let pause): least = pause
        case nil: break
        }
        if let retryAt {
            // One is arranged already, for a copy that failed; only the server's word can change that.
            let later = max(retryAt, now + least)
            if deadline != .none, later >= deadline.instant { return stop(.deadline) }
            self.retryAt = later
            return
        }
        guard mayTryAgain else { return stop(.attemptsExhausted) }
        let pause = policy.backoff.delay(afterFailures: failures, previous: lastPause, using: &random)
        lastPause = pause
        let instant = now + max(pause, least)
        // Who waits for longer than there is time learns it at once.
        if deadline != .none, instant >= deadline.instant { return stop(.deadline) }
        guard budgets.retries.withdraw(now: now) else { return stop(.budgetExhausted) }
        retryAt = instant
    }

    /// No further try is begun. Those under way may still succeed.
    private mutating func stop(_ reason: CallGiveUp) {
        verdict = reason
        retryAt = nil
        hedgeAt = nil
    }

    private mutating func giveUpIfNothingIsLeft(now: Instant, _ step: inout Step) {
        guard !isOver, !isUnderWay, retryAt == nil else { return }
        giveUp(verdict ?? .attemptsExhausted, now: now, &step)
    }

    private mutating func giveUp(
        _ reason: CallGiveUp, as outcome: CallOutcome = .failure(.timeout), now: Instant, _ step: inout Step
    ) {
        if outcome != .cancelled { lastEnded = attempts.last { $0.outcome == nil }?.number ?? lastEnded }
        cancelAll(as: outcome, now: now, &step)
        answer(.giveUp(reason, last: lastEnded), &step)
    }

    private mutating func cancelAll(as outcome: CallOutcome, now: Instant, _ step: inout Step) {
        for attempt in attempts where attempt.outcome == nil {
            end(attempt.number, outcome, now: now)
            step.cancel.append(.init(number: attempt.number, outcome: outcome))
        }
    }

    private mutating func end(_ number: Int, _ outcome: CallOutcome, now: Instant) {
        attempts[number].outcome = outcome
        attempts[number].end = now
    }

    private mutating func answer(_ answer: Step.Answer, _ step: inout Step) {
        isOver = true
        retryAt = nil
        hedgeAt = nil
        step.answer = answer
    }
}
