// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Keeps one instance registered: decides when to register, when to send a heartbeat, and what follows from the
/// answers.
///
/// A value without clock or network. The owner performs what ``next(now:)`` asks for and tells the outcome.
struct RegistrationMachine: Sendable {
    enum Action: Hashable, Sendable {
        case register(Registration, Life)
        case heartbeat(Heartbeat)
    }

    enum Phase: Hashable, Sendable {
        /// Not registered; to be tried at this instant.
        case due(Instant)
        case registering
        case registered(Incarnation, nextHeartbeat: Instant)
        case heartbeating(Incarnation)
        /// Another process registered under the same identity: fighting over it would help nobody.
        case superseded(by: Incarnation)
        /// The registry says that the registration breaks its rules: trying again cannot help.
        case refused
    }

    private(set) var registration: Registration
    private(set) var phase: Phase
    /// The incarnation of the life that the registry knows of, or knew of before it forgot it.
    private(set) var incarnation: Incarnation?
    private var failures = 0
    /// Whether the registration was replaced while an answer was outstanding.
    private var isChanged = false
    private let backoff: Backoff

    init(_ registration: Registration, now: Instant, backoff: Backoff) {
        self.registration = registration
        self.backoff = backoff
        phase = .due(now)
    }

    /// When ``next(now:)`` has something to do; `nil` while an answer is outstanding, and at the end.
    var wake: Instant? {
        switch phase {
        case .due(let instant), .registered(_, let instant): instant
        case .registering, .heartbeating, .superseded, .refused: nil
        }
    }

    /// Whether the registry has accepted the instance, as far as is known.
    var isRegistered: Bool {
        switch phase {
        case .registered, .heartbeating: true
        case .due, .registering, .superseded, .refused: false
        }
    }

    /// What is to be done now.
    mutating func next(now: Instant) -> Action? {
        switch phase {
        case .due(let instant) where instant <= now:
            phase = .registering
            isChanged = false
            // The first registration begins a new life, so that late writes of a former process have no effect.
            return .register(registration, incarnation == nil ? .new : .present)
        case .registered(let incarnation, let instant) where instant <= now:
            guard registration.lease.kind != .none else { return nil }
            phase = .heartbeating(incarnation)
            return .heartbeat(Heartbeat(registration.key, incarnation: incarnation))
        case .due, .registered, .registering, .heartbeating, .superseded, .refused:
            return nil
        }
    }

    mutating func registered(
        as incarnation: Incarnation, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        self.incarnation = incarnation
        renewed(incarnation, now: now, using: &random)
    }

    mutating func registrationFailed(
        _ error: RegistryError, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        switch error.code {
        case .invalid, .unsupported:
            phase = isChanged ? .due(now) : .refused
        case .fenced:
            phase = .superseded(by: error.currentIncarnation ?? Incarnation(0))
        default:
            phase = .due(now + delay(after: error, using: &random))
        }
    }

    mutating func heartbeatAnswered(
        _ outcome: HeartbeatOutcome, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        guard case .heartbeating(let incarnation) = phase else { return }
        switch outcome {
        case .renewed: renewed(incarnation, now: now, using: &random)
        case .unknown: phase = .due(now)
        case .fenced(let current): phase = .superseded(by: current)
        }
    }

    mutating func heartbeatFailed(
        _ error: RegistryError, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        guard case .heartbeating(let incarnation) = phase else { return }
        // Sooner than the next regular heartbeat, so that a short outage does not cost the lease.
        let delay = min(delay(after: error, using: &random), interval)
        phase = .registered(incarnation, nextHeartbeat: now + delay)
    }

    /// Registers other attributes under the same identity, at once.
    mutating func replace(_ registration: Registration, now: Instant) {
        precondition(registration.key == self.registration.key, "another identity is another registration")
        self.registration = registration
        isChanged = true
        switch phase {
        case .registered, .due, .refused: phase = .due(now)
        case .registering, .heartbeating, .superseded: break
        }
    }

    private mutating func renewed(
        _ incarnation: Incarnation, now: Instant, using random: inout some RandomNumberGenerator
    ) {
        failures = 0
        guard !isChanged else {
            phase = .due(now)
            return
        }
        // Spread, so that a fleet that started together does not send its heartbeats together for ever.
        let spread = Double.random(in: 0.9 ... 1.1, using: &random)
        phase = .registered(incarnation, nextHeartbeat: now + interval * spread)
    }

    /// A third of the lease: two heartbeats may be lost.
    private var interval: Duration { registration.lease.ttl / 3 }

    private mutating func delay(after error: RegistryError, using random: inout some RandomNumberGenerator) -> Duration
    {
        failures += 1
        let delay = backoff.delay(afterFailures: failures, using: &random)
        if case .after(let least) = error.retry { return max(least, delay) }
        return delay
    }
}
