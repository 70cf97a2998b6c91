// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Carries out one call: does what its ``CallAttempts`` decides, and tells it what comes of it.
struct CallRunner<Value: Sendable> {
    private enum Event: Sendable {
        case ended(Int, Result<Value, any Error>)
        case alarm
        case cancelled
    }

    /// A try that was begun.
    private struct Try {
        let pick: Pick
        let start: Instant
        let task: Task<Void, Never>
        var isReported = false
        var result: Result<Value, any Error>?
    }

    private let followed: FollowedService
    private let options: CallOptions
    private let time: TimeSource
    private let body: @Sendable (CallTarget) async throws -> Value
    private let judge: @Sendable (Result<Value, any Error>) -> CallReport
    private let events: AsyncStream<Event>
    private let mailbox: AsyncStream<Event>.Continuation
    private var attempts: CallAttempts<EndpointIdentity>
    private var tries: [Int: Try] = [:]
    private var alarm: (at: Instant, task: Task<Void, Never>)?
    private var random = SystemRandomNumberGenerator()

    init(
        _ followed: FollowedService, _ options: CallOptions, _ configuration: ServiceClientConfiguration,
        _ time: TimeSource, _ body: @escaping @Sendable (CallTarget) async throws -> Value,
        _ judge: @escaping @Sendable (Result<Value, any Error>) -> CallReport
    ) {
        self.followed = followed
        self.options = options
        self.time = time
        self.body = body
        self.judge = judge
        attempts = CallAttempts(
            options.retry ?? configuration.retry, isIdempotent: options.isIdempotent, deadline: options.deadline)
        (events, mailbox) = AsyncStream.makeStream()
    }

    /// - Returns: How the call ended for the service as a whole, and what the caller gets.
    mutating func run() async -> (CallOutcome, Result<Value, any Error>) {
        let mailbox = mailbox
        return await withTaskCancellationHandler {
            await follow()
        } onCancel: {
            mailbox.yield(.cancelled)
        }
    }

    private mutating func follow() async -> (CallOutcome, Result<Value, any Error>) {
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
        case .ended(let number, let result):
            let report = judge(result)
            tries[number]?.result = result
            conclude(number, report.outcome, now: now)
            return followed.withBudgets {
                attempts.ended(
                    number, report.outcome, pushback: report.pushback, now: now, budgets: &$0, using: &random)
            }
        }
    }

    /// Does what a step asks for.
    ///
    /// - Returns: The end of the call.
    private mutating func perform(_ step: inout CallStep<EndpointIdentity>) -> (
        CallOutcome, Result<Value, any Error>
    )? {
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
            let result: Result<Value, any Error>
            do { result = .success(try await body(target)) } catch { result = .failure(error) }
            mailbox.yield(.ended(start.number, result))
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

    private func conclusion(_ answer: CallStep<EndpointIdentity>.Answer) -> (CallOutcome, Result<Value, any Error>) {
        switch answer {
        case .finish(let number):
            return (.success, tries[number]?.result ?? .failure(error(.gaveUp(.noEndpoint))))
        case .giveUp(.cancelled, _):
            return (.cancelled, .failure(CancellationError()))
        case .giveUp(let reason, let last):
            if reason == .noEndpoint && attempts.attempts.allSatisfy({ $0.endpoint == nil }) {
                return (.cancelled, .failure(error(.noInstances)))
            }
            let outcome = last.flatMap { attempts.attempts[$0].outcome } ?? .failure(.timeout)
            if let last, case .success(let value)? = tries[last]?.result { return (outcome, .success(value)) }
            return (outcome, .failure(error(.gaveUp(reason))))
        }
    }

    private func error(_ reason: CallError.Reason) -> CallError {
        let tried = attempts.attempts.compactMap { attempt -> CallError.Attempt? in
            guard let known = tries[attempt.number] else { return nil }
            var cause: (any Error)?
            if case .failure(let error)? = known.result { cause = error }
            return CallError.Attempt(
                instance: known.pick.endpoint.identity, endpoint: known.pick.endpoint.instance.endpointURL,
                outcome: attempt.outcome ?? .cancelled, duration: (attempt.end ?? attempt.start) - attempt.start,
                cause: cause)
        }
        return CallError(
            service: followed.service, reason: reason, attempts: tried,
            instances: followed.knownNow?.snapshot.count ?? 0, callable: followed.upstream.list.endpoints.count)
    }
}
