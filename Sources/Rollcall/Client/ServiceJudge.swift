// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What all calls of a client to one service have in common beside the choice of the instance: how much is retried, who
/// is left out, and whether a call is tried at all. A value; its owner keeps it behind a lock.
struct ServiceJudge: Sendable {
    var budgets: CallBudgets
    private var breaker: CircuitBreaker?
    private var limit: ConcurrencyLimit?
    private var outliers: OutlierDetector<EndpointIdentity>?

    /// The right to make one call; to be given back with ``ended(_:_:duration:now:)``.
    struct Permit: Sendable {
        fileprivate var breaker: CircuitBreaker.Permit?
        fileprivate var limit: ConcurrencyLimit.Permit?
    }

    init(_ configuration: ServiceClientConfiguration, now: Instant) {
        budgets = CallBudgets(
            retries: RetryBudget(configuration.retryBudget),
            hedging: configuration.hedging.map { Hedging($0, now: now) })
        breaker = configuration.circuitBreaker.map(CircuitBreaker.init)
        limit = configuration.concurrency.map(ConcurrencyLimit.init)
        outliers = configuration.outliers.map { OutlierDetector($0, now: now) }
    }

    mutating func admit(now: Instant) throws(CallRefused) -> Permit {
        var permit = Permit()
        if limit != nil {
            guard let granted = limit?.acquire() else { throw CallRefused(reason: .concurrencyLimit) }
            permit.limit = granted
        }
        if breaker != nil {
            guard let granted = breaker?.acquire(now: now) else {
                if let taken = permit.limit { limit?.release(taken, .cancelled, duration: .zero) }
                throw CallRefused(reason: .circuitOpen)
            }
            permit.breaker = granted
        }
        return permit
    }

    /// A call that was admitted has its answer.
    mutating func ended(_ permit: Permit, _ outcome: CallOutcome, duration: Duration, now: Instant) {
        if let granted = permit.limit { limit?.release(granted, outcome, duration: duration) }
        if let granted = permit.breaker { breaker?.release(granted, outcome, duration: duration, now: now) }
    }

    // MARK: Who is left out

    /// When ``advance(to:)`` has something to do.
    var wake: Instant { outliers?.wake ?? .distantFuture }

    /// The endpoints that may not be called for now; `nil` when that has not changed.
    mutating func update(_ endpoints: [EndpointIdentity], now: Instant) -> Set<EndpointIdentity>? {
        changed { $0.update(endpoints, now: now) }
    }

    mutating func record(_ outcome: CallOutcome, of endpoint: EndpointIdentity, start: Instant, now: Instant)
        -> Set<EndpointIdentity>?
    {
        changed { $0.record(outcome, of: endpoint, start: start, now: now) }
    }

    mutating func advance(to now: Instant) -> Set<EndpointIdentity>? {
        changed { $0.advance(to: now) }
    }

    private mutating func changed(
        _ step: (inout OutlierDetector<EndpointIdentity>) -> [OutlierDetector<EndpointIdentity>.Transition]
    ) -> Set<EndpointIdentity>? {
        guard var detector = outliers.take() else { return nil }
        let transitions = step(&detector)
        let ejected = transitions.isEmpty ? nil : detector.ejected
        outliers = detector
        return ejected
    }
}

/// A call that is not tried.
struct CallRefused: Error {
    let reason: CallError.Reason
}
