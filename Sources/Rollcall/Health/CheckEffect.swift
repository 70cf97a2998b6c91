// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The place of a check in its scheduler. Valid until the check is removed, and names no other check after that.
public struct CheckHandle: Sendable, Hashable {
    let slot: Int32
    let generation: UInt32
}

/// One round of one check.
public struct CheckAttempt: Sendable, Hashable {
    /// The check whose round it is.
    public let check: CheckHandle
    let number: UInt32
}

/// What the owner of a scheduler has to do next. Order matters; apply front to back.
public enum CheckEffect: Sendable, Hashable {
    /// Ask the target, then call ``CheckScheduler/finished(_:_:now:random:into:)``.
    case probe(CheckAttempt)
    /// The answer is not waited for any longer: end the probe. What it still says is ignored.
    case cancel(CheckAttempt)
    /// Write the new status; when that fails, call ``CheckScheduler/writeFailed(_:now:)``.
    case record(CheckHandle, HealthCheck.Status, output: String)
    /// Write the output alone.
    case refresh(CheckHandle, output: String)
    /// The check was critical for too long: deregister its instance. Said again until the check is removed.
    case deregister(CheckHandle)
}

/// How a check runs: the part of its definition that the scheduler needs.
public struct CheckTerms: Sendable, Hashable {
    /// For a check that is reported: how long a report is good for; else `nil`.
    public var ttl: Duration?
    /// From the end of a round to the begin of the next, before jitter.
    public var interval: Duration
    /// How long one round may take.
    public var timeout: Duration
    /// So many good results in a row end a bad status.
    public var successThreshold: Int
    /// So many failures in a row make the check critical.
    public var failureThreshold: Int
    /// An instance whose check was critical for so long is deregistered; `nil` leaves it.
    public var deregisterAfter: Duration?

    /// The terms of a definition.
    public init(_ definition: CheckDefinition) {
        if case .ttl(let ttl) = definition.kind { self.ttl = ttl }
        interval = definition.interval
        timeout = definition.timeout
        successThreshold = definition.successThreshold
        failureThreshold = definition.failureThreshold
        deregisterAfter = definition.deregisterAfter
    }
}

/// How a scheduler spreads and bounds its work.
public struct CheckSchedulerConfiguration: Sendable, Hashable {
    /// Rounds that run at the same time.
    public var concurrency = 256
    /// Each interval is longer or shorter by up to this share, by chance.
    public var jitter = 0.1
    /// A new check is asked for the first time within this time, or within its interval if that is shorter.
    public var firstRound: Duration = .seconds(1)
    /// A check whose last round took so long may use only half of the concurrency: targets that hang cannot hold up
    /// those that answer.
    public var slowAfter: Duration = .seconds(1)
    /// A round is given up this long after its time-out, when the probe has not said so itself.
    public var grace: Duration = .milliseconds(500)
    /// How long after it failed a deregistration, or the write of an expiry, is tried again.
    public var retry: Duration = .seconds(10)
    /// When changes of a status are damped.
    public var flaps = FlapConfiguration()
    /// Bytes of an output; what is longer is cut.
    public var outputBytes = ModelLimits.standard.checkOutputBytes
    /// An output whose status stays is written at most so often, as Consul's.
    public var outputInterval: Duration = .seconds(300)

    /// The defaults, to be changed property by property.
    public init() {}
}
