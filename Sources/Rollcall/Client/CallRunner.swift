// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What one try has come to. What it returned is kept by whoever made the call.
struct TryEnd: Sendable {
    let report: CallReport
    /// What it threw; `nil` when it returned an answer.
    let error: (any Error)?
}

/// How a call ended.
enum CallEnd {
    /// The answer of this try is that of the call. The outcome is a failure when there was no better answer.
    case answer(number: Int, CallOutcome)
    case failure(any Error, CallOutcome)
}

/// Carries out one call: does what its ``CallAttempts`` decides, and tells it what comes of it.
///
/// It is not generic: the type of an answer is only known at run time here, and would have to be looked up at each
/// step.
struct CallRunner {
    private enum Event: Sendable {
        case ended(Int, TryEnd)
        case alarm
        case cancelled
    }

    /// A try that was begun.
    private struct Try {
        let pick: Pick
        let start: Instant
        let task: Task<Void, Never>
        var isReported = false
        var end: TryEnd?
    }

    private let followed: FollowedService
    private let options: CallOptions
    private let time: TimeSource
    private let body: @Sendable (CallTarget) async -> TryEnd
    private let events: AsyncStream<Event>
    private let mailbox: AsyncStream<Event>.Continuation
    private var attempts: CallAttempts<EndpointIdentity>
    private var tries: [Int: Try] = [:]
    private var alarm: (at: Instant, task: Task<Void, Never>)?
    private var random = SystemRandomNumberGenerator()

    init(
        _ followed: FollowedService, _ options: CallOptions, _ configuration: ServiceClientConfiguration,
        _ time: TimeSource, _ body: @escaping @Sendable (CallTarget) async -> TryEnd
    ) {
        self.followed = followed
        self.options = options
        self.time = time
        self.body = body
        attempts = CallAttempts(
            options.retry ?? configuration.retry, isIdempotent: options.isIdempotent, deadline: options.deadline)
        (events, mailbox) = AsyncStream.makeStream()
    }

    mutating func run() async -> CallEnd {
        let mailbox = mailbox
        return await withTaskCancellationHandler {
            await follow()
        } onCancel: {
            mailbox.yield(.cancelled)
        }
    }

    private mutating func follow() async -> CallEnd {
        defer {
            alarm?.task.cancel()
            mailbox.finish()
        }
        var step = followed.withBudgets { attempts.begin(now: time.now(), budgets: &$0) }
        var iterator = events.makeAsyncIterator()
        while true {
            if let answer = perform(&step) { return answer }
            arm()
            // The iterator ends when the task is cancelled; the mailbox is told of that too.
            let event = await iterator.next() ?? .cancelled
            step = take(event)
        }
    }

    private mutating func take(_ event: Event) -> CallStep<EndpointIdentity> {
        let now = time.now()
        switch event {
        case .cancelled:
            return attempts.cancelled(now: now)
        case .alarm:
            alarm = nil
            return followed.withBudgets { attempts.advance(to: now, budgets: &$0, using: &random) }
        case .ended(let number, let end):
            tries[number]?.end = end
            conclude(number, end.report.outcome, now: now)
            return followed.withBudgets {
                attempts.ended(
                    number, end.report.outcome, pushback: end.report.pushback, now: now, budgets: &$0,
                    using: &random)
            }
        }
    }

    /// Does what a step asks for.
    ///
    /// - Returns: The end of the call.
    private mutating func perform(_ step: inout CallStep<EndpointIdentity>) -> CallEnd? {
        while true {
            for cancellation in step.cancel {
                tries[cancellation.number]?.task.cancel()
                conclude(cancellation.number, cancellation.outcome, now: time.now())
            }
            if let answer = step.answer { return conclusion(answer) }
            guard let start = step.start else { return nil }
            guard let next = begin(start) else { return nil }
            step = next
        }
    }

    /// - Returns: The step after, when there is nobody to try.
    private mutating func begin(_ start: CallStep<EndpointIdentity>.Start) -> CallStep<EndpointIdentity>? {
        let now = time.now()
        let former = tries.values.map(\.pick.endpoint)
        let request = PickRequest(now: now, hashKey: options.hashKey)
        guard let pick = followed.upstream.pick(request, excluding: former) else {
            return attempts.nothingToPick(for: start.number, now: now)
        }
        if start.needsOtherEndpoint, start.excluding.contains(pick.endpoint.identity) {
            pick.finish(.cancelled, now: now)
            return attempts.nothingToPick(for: start.number, now: now)
        }
        attempts.picked(pick.endpoint.identity, for: start.number)
        followed.metrics.tried()
        let target = CallTarget(endpoint: pick.endpoint, attempt: start.number, deadline: start.deadline)
        let task = Task { [body, mailbox] in
            let end = await body(target)
            mailbox.yield(.ended(start.number, end))
        }
        tries[start.number] = Try(pick: pick, start: now, task: task)
        return nil
    }

    /// Tells those who learn from it how a try ended; once.
    private mutating func conclude(_ number: Int, _ outcome: CallOutcome, now: Instant) {
        guard let attempt = tries[number], !attempt.isReported else { return }
        tries[number]?.isReported = true
        attempt.pick.finish(outcome, now: now)
        followed.record(outcome, of: attempt.pick.endpoint.identity, start: attempt.start, now: now)
    }

    /// Sees to it that the next thing that is due is told.
    private mutating func arm() {
        guard alarm?.at != attempts.wake else { return }
        alarm?.task.cancel()
        alarm = attempts.wake.map { wake in
            let task = Task { [time, mailbox] in
                guard (try? await time.sleep(until: wake)) != nil else { return }
                mailbox.yield(.alarm)
            }
            return (wake, task)
        }
    }

    private func conclusion(_ answer: CallStep<EndpointIdentity>.Answer) -> CallEnd {
        switch answer {
        case .finish(let number):
            // A success may be an error of the application, which is passed on as it is.
            if let error = tries[number]?.end?.error { return .failure(error, .success) }
            return .answer(number: number, .success)
        case .giveUp(.cancelled, _):
            return .failure(CancellationError(), .cancelled)
        case .giveUp(let reason, let last):
            if reason == .noEndpoint && attempts.attempts.allSatisfy({ $0.endpoint == nil }) {
                return .failure(error(.noInstances), .cancelled)
            }
            let outcome = last.flatMap { attempts.attempts[$0].outcome } ?? .failure(.timeout)
            if let last, let end = tries[last]?.end, end.error == nil { return .answer(number: last, outcome) }
            return .failure(error(.gaveUp(reason)), outcome)
        }
    }

    private func error(_ reason: CallError.Reason) -> CallError {
        let tried = attempts.attempts.compactMap { attempt -> CallError.Attempt? in
            guard let known = tries[attempt.number] else { return nil }
            return CallError.Attempt(
                instance: known.pick.endpoint.identity, endpoint: known.pick.endpoint.instance.endpointURL,
                outcome: attempt.outcome ?? .cancelled, duration: (attempt.end ?? attempt.start) - attempt.start,
                cause: known.end?.error)
        }
        return CallError(
            service: followed.service, reason: reason, attempts: tried,
            instances: followed.knownNow?.snapshot.count ?? 0, callable: followed.upstream.list.endpoints.count)
    }
}
