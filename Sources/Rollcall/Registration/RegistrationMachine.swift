// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Keeps one instance registered: decides when to register, when to send a heartbeat, and what follows from the
/// answers.
///
/// A value without clock or network. The owner performs what ``next(now:joining:)`` asks for and tells the outcome.
struct RegistrationMachine: Sendable {
    enum Action: Hashable, Sendable {
        case register(Registration, Life)
        case heartbeat(Heartbeat)
    }

    enum Phase: Hashable, Sendable {
        /// The registry has no such instance; to be registered at this instant.
        case due(Instant)
        case registering
        case registered(Incarnation)
        case heartbeating(Incarnation)
        /// Another process registered under the same identity: fighting over it would help nobody.
        case superseded(by: Incarnation)
        /// The registry says that the registration breaks its rules: trying again cannot help.
        case refused
    }

    /// What the registry is to have.
    private(set) var registration: Registration
    private(set) var phase: Phase
    /// The incarnation of the life that the registry knows of, or knew of before it forgot it.
    private(set) var incarnation: Incarnation?
    /// What the registry has, as far as is known.
    private var accepted: Registration?
    /// What the registry was asked to accept.
    private var sent: Registration?
    private var heartbeatDue = Instant.distantFuture
    /// When the registry is to be told of a change; `nil` when it has what it is to have.
    private var changeDue: Instant?
    private var failures = 0
    private var isDraining = false
    private let backoff: Backoff

    init(_ registration: Registration, now: Instant, backoff: Backoff) {
        self.registration = registration
        self.backoff = backoff
        phase = .due(now)
    }

    /// When ``next(now:joining:)`` has something to do; `nil` while an answer is outstanding, at the end, and when
    /// there is nothing to come.
    var wake: Instant? {
        switch phase {
        case .due(let instant):
            return isDraining ? nil : instant
        case .registered:
            let wake = min(heartbeatDue, isDraining ? .distantFuture : changeDue ?? .distantFuture)
            return wake == .distantFuture ? nil : wake
        case .registering, .heartbeating, .superseded, .refused:
            return nil
        }
    }

    /// Whether the registry has the instance, as far as is known.
    var isRegistered: Bool { accepted != nil }

    func isHeartbeatDue(now: Instant) -> Bool {
        if case .registered = phase { heartbeatDue <= now } else { false }
    }

    /// What is to be done now.
    ///
    /// - Parameter joining: Whether a heartbeat that is not due yet may go along with those of others, when no more
    ///   than two thirds of its interval are left.
    mutating func next(now: Instant, joining: Bool = false) -> Action? {
        switch phase {
        case .due(let instant) where instant <= now && !isDraining:
            // The first registration begins a new life, so that late writes of a former process have no effect.
            return register(incarnation == nil ? .new : .present)
        case .registered(let incarnation):
            if heartbeatDue <= now || joining && heartbeatDue <= now + interval * 2 / 3 {
                phase = .heartbeating(incarnation)
                return .heartbeat(Heartbeat(registration.key, incarnation: incarnation))
            }
            // Of this life and no other: another process may have registered since.
            if let changeDue, changeDue <= now, !isDraining { return register(.incarnation(incarnation)) }
            return nil
        case .due, .registering, .heartbeating, .superseded, .refused:
            return nil
        }
    }

    private mutating func register(_ life: Life) -> Action {
        phase = .registering
        sent = registration
        changeDue = nil
        return .register(registration, life)
    }

    mutating func registered(
        as incarnation: Incarnation, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        self.incarnation = incarnation
        accepted = sent
        changeDue = registration == sent ? nil : now
        renewed(incarnation, now: now, using: &random)
    }

    mutating func registrationFailed(
        _ error: RegistryError, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        let isOutdated = registration != sent
        if error.code == .fenced {
            accepted = nil
            phase = .superseded(by: error.currentIncarnation ?? Incarnation(0))
        } else if let accepted, let incarnation {
            // A change could not be made. What is registered needs its heartbeats none the less.
            phase = .registered(incarnation)
            if error.isRefusal {
                if !isOutdated { registration = accepted }
                changeDue = isOutdated ? now : nil
            } else {
                changeDue = now + delay(after: error, using: &random)
            }
        } else if error.isRefusal {
            phase = isOutdated ? .due(now) : .refused
        } else {
            phase = .due(now + delay(after: error, using: &random))
        }
    }

    mutating func heartbeatAnswered(
        _ outcome: HeartbeatOutcome, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        guard case .heartbeating(let incarnation) = phase else { return }
        switch outcome {
        case .renewed:
            renewed(incarnation, now: now, using: &random)
        case .unknown:
            accepted = nil
            phase = .due(now)
        case .fenced(let current):
            accepted = nil
            phase = .superseded(by: current)
        }
    }

    mutating func heartbeatFailed(
        _ error: RegistryError, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        guard case .heartbeating(let incarnation) = phase else { return }
        // Sooner than the next regular heartbeat, so that a short outage does not cost the lease.
        heartbeatDue = now + min(delay(after: error, using: &random), interval)
        phase = .registered(incarnation)
    }

    /// Registers other attributes under the same identity, at once.
    mutating func replace(_ registration: Registration, now: Instant) {
        precondition(registration.key == self.registration.key, "another identity is another registration")
        self.registration = registration
        switch phase {
        case .due, .refused: phase = .due(now)
        case .registered, .heartbeating: changeDue = now
        // The answer shows that something else was sent.
        case .registering, .superseded: break
        }
    }

    /// From now on the registry gets heartbeats only: nothing is registered any more.
    mutating func drain() { isDraining = true }

    private mutating func renewed(
        _ incarnation: Incarnation, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        failures = 0
        phase = .registered(incarnation)
        // Spread, so that a fleet that started together does not send its heartbeats together for ever.
        let spread = Double.random(in: 0.9 ... 1.1, using: &random)
        heartbeatDue = lease.kind == .none ? .distantFuture : now + interval * spread
    }

    /// The lease that the registry has granted.
    private var lease: LeaseTerms { (accepted ?? registration).lease }

    /// A third of the lease: two heartbeats may be lost.
    private var interval: Duration { lease.ttl / 3 }

    private mutating func delay(after error: RegistryError, using random: inout some RandomNumberGenerator) -> Duration
    {
        failures += 1
        let delay = backoff.delay(afterFailures: failures, using: &random)
        if case .after(let least) = error.retry { return max(least, delay) }
        return delay
    }
}

extension RegistryError {
    /// Whether the registry will never accept what it was told.
    var isRefusal: Bool { code == .invalid || code == .unsupported }
}
