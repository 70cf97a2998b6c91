// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Refuses calls while too many of the last ones failed or were slow, and lets a few through to see when that is over.
///
/// As resilience4j's: closed, after too many failures open for a time, then half open, where a bounded number of calls
/// decides whether it closes or opens again. A call that began in an earlier state is without effect when it ends, so a
/// late result of the bad time cannot undo the recovery.
///
///     guard let permit = breaker.acquire(now: now) else { throw refused }
///     …
///     breaker.release(permit, outcome, duration: duration, now: now)
public struct CircuitBreaker: Sendable {
    /// Which calls the rates are of.
    public enum Window: Sendable, Hashable {
        /// The last so many calls.
        case calls(Int)
        /// The calls of the last so many seconds, exact to a second.
        case seconds(Int)
    }

    /// When a breaker opens, and how it closes again.
    public struct Configuration: Sendable, Hashable {
        /// Which calls the rates are of.
        public var window: Window
        /// Below so many calls in the window no rate is looked at. Never more than a window of calls holds.
        public var minimumCalls: Int
        /// It opens when at least this share of the calls failed, 0 to 1.
        public var failureRateThreshold: Double
        /// It opens when at least this share of the calls was slow, 0 to 1.
        public var slowCallRateThreshold: Double
        /// A call that takes longer is slow.
        public var slowCallDuration: Duration
        /// How long it stays open.
        public var openDuration: Duration
        /// How many calls are let through half open, in all.
        public var probes: Int
        /// Half open for so long without a decision, it opens again; `nil` for no bound. Set it when a permit could get
        /// lost.
        public var halfOpenDuration: Duration?

        /// - Note: The defaults are resilience4j's.
        public init(
            window: Window = .calls(100), minimumCalls: Int = 100, failureRateThreshold: Double = 0.5,
            slowCallRateThreshold: Double = 1, slowCallDuration: Duration = .seconds(60),
            openDuration: Duration = .seconds(60), probes: Int = 10, halfOpenDuration: Duration? = nil
        ) {
            self.window = window
            self.minimumCalls = minimumCalls
            self.failureRateThreshold = failureRateThreshold
            self.slowCallRateThreshold = slowCallRateThreshold
            self.slowCallDuration = slowCallDuration
            self.openDuration = openDuration
            self.probes = probes
            self.halfOpenDuration = halfOpenDuration
        }
    }

    /// Whether calls are let through.
    public enum State: Sendable, Hashable {
        /// All calls are let through.
        case closed
        /// No call is let through before that instant. The first one after it makes it half open.
        case open(until: Instant)
        /// A bounded number of calls is let through, and decides.
        case halfOpen
    }

    /// The leave for one call. It is given back exactly once, with ``CircuitBreaker/release(_:_:duration:now:)``.
    public struct Permit: Sendable, Hashable {
        /// The number of the state in which it was given.
        let generation: UInt64
    }

    /// When it opens, and how it closes again.
    public let configuration: Configuration
    /// The state at the latest call of a method: time alone changes nothing.
    public private(set) var state = State.closed
    /// The calls of the present state: of a window of calls, and half open.
    private var lastCalls: LastCalls
    /// The calls of the present state: of a window of seconds, while closed.
    private var lastSeconds: SlidingSum<CallCounts>
    private var generation: UInt64 = 0
    /// Half open: permits that were given and not cancelled.
    private var admitted = 0
    private var halfOpenSince = Instant.zero

    /// A closed breaker.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        (lastCalls, lastSeconds) = Self.windows(of: .closed, configuration)
    }

    /// Asks to make a call.
    ///
    /// - Returns: `nil` when the call is not to be made.
    public mutating func acquire(now: Instant) -> Permit? {
        switch state {
        case .closed:
            return Permit(generation: generation)
        case .open(let until):
            guard now >= until else { return nil }
            enter(.halfOpen)
            halfOpenSince = now
            return admitProbe()
        case .halfOpen:
            if let bound = configuration.halfOpenDuration, now >= halfOpenSince + bound {
                enter(.open(until: now + configuration.openDuration))
                return nil
            }
            return admitProbe()
        }
    }

    /// The call ended, or was given up: then the permit goes back unused.
    ///
    /// - Parameter duration: How long the call took.
    public mutating func release(_ permit: Permit, _ outcome: CallOutcome, duration: Duration, now: Instant) {
        guard permit.generation == generation else { return }
        guard outcome != .cancelled else {
            if state == .halfOpen { admitted -= 1 }
            return
        }
        let isSlow = duration > configuration.slowCallDuration
        add(CallCounts(calls: 1, failed: outcome == .success ? 0 : 1, slow: isSlow ? 1 : 0), now: now)
        let total = self.total
        switch state {
        case .closed:
            guard total.calls >= minimumCalls, isTooBad(total) else { return }
            enter(.open(until: now + configuration.openDuration))
        case .halfOpen:
            guard total.calls >= max(1, configuration.probes) else { return }
            enter(isTooBad(total) ? .open(until: now + configuration.openDuration) : .closed)
        case .open:
            // No permit is of the generation of an open breaker.
            return
        }
    }

    /// The share of failed calls in the window, as of the last result, 0 to 1; `nil` below the minimum of calls.
    public var failureRate: Double? {
        total.calls >= minimumCalls ? Double(total.failed) / Double(total.calls) : nil
    }

    /// The share of slow calls in the window, as of the last result, 0 to 1; `nil` below the minimum of calls.
    public var slowCallRate: Double? {
        total.calls >= minimumCalls ? Double(total.slow) / Double(total.calls) : nil
    }

    private mutating func admitProbe() -> Permit? {
        guard admitted < max(1, configuration.probes) else { return nil }
        admitted += 1
        return Permit(generation: generation)
    }

    private var minimumCalls: Int {
        let least = max(1, configuration.minimumCalls)
        guard state != .halfOpen else { return max(1, configuration.probes) }
        if case .calls(let size) = configuration.window { return min(least, max(1, size)) }
        return least
    }

    private var total: CallCounts { countsSeconds ? lastSeconds.total : lastCalls.total }

    private var countsSeconds: Bool {
        if case .seconds = configuration.window { state != .halfOpen } else { false }
    }

    private func isTooBad(_ total: CallCounts) -> Bool {
        let calls = Double(total.calls)
        return Double(total.failed) >= configuration.failureRateThreshold * calls
            || Double(total.slow) >= configuration.slowCallRateThreshold * calls
    }

    private mutating func add(_ call: CallCounts, now: Instant) {
        if countsSeconds { lastSeconds.add(call, now: now) } else { lastCalls.add(call) }
    }

    private mutating func enter(_ state: State) {
        self.state = state
        generation += 1
        admitted = 0
        (lastCalls, lastSeconds) = Self.windows(of: state, configuration)
    }

    /// Empty windows. Half open has one of its own, of as many calls as are let through.
    private static func windows(
        of state: State, _ configuration: Configuration
    ) -> (LastCalls, SlidingSum<CallCounts>) {
        var calls = 1
        var seconds = 1
        switch configuration.window {
        case _ where state == .halfOpen: calls = configuration.probes
        case .calls(let size): calls = size
        case .seconds(let length): seconds = length
        }
        return (LastCalls(size: max(1, calls)), SlidingSum(slotLength: .seconds(1), slots: max(1, seconds)))
    }
}
