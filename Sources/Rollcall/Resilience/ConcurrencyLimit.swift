// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Bounds how many calls are under way at once, by a number that is fixed or found from how long calls take.
///
/// The adaptive forms are those of Netflix' concurrency-limits. Calls that fail fast teach nothing about the right
/// number: only successes, time-outs and calls refused for overload do.
public struct ConcurrencyLimit: Sendable {
    /// How the limit is found.
    public enum Algorithm: Sendable, Hashable {
        /// Always this number.
        case fixed(Int)
        /// One more while the limit is in use, a tenth less after a drop.
        case aimd(AIMD)
        /// Follows the ratio of the usual duration to the present one.
        case gradient2(Gradient2)
    }

    /// Settings of additive increase and multiplicative decrease.
    public struct AIMD: Sendable, Hashable {
        /// The limit at the beginning, in calls.
        public var initial: Int
        /// The limit never goes below this.
        public var minimum: Int
        /// The limit never goes above this.
        public var maximum: Int
        /// What remains of the limit after a drop, 0 to 1.
        public var backoffRatio: Double
        /// A call that takes longer counts as a drop.
        public var timeout: Duration

        /// - Note: The defaults are those of Netflix' concurrency-limits.
        public init(
            initial: Int = 20, minimum: Int = 20, maximum: Int = 200, backoffRatio: Double = 0.9,
            timeout: Duration = .seconds(5)
        ) {
            self.initial = initial
            self.minimum = minimum
            self.maximum = maximum
            self.backoffRatio = backoffRatio
            self.timeout = timeout
        }
    }

    /// Settings of the limit that follows the duration of calls.
    public struct Gradient2: Sendable, Hashable {
        /// The limit at the beginning, in calls.
        public var initial: Int
        /// The limit never goes below this.
        public var minimum: Int
        /// The limit never goes above this.
        public var maximum: Int
        /// How many calls may wait at the service: the room to grow.
        public var queue: Double
        /// How much longer than usual a call may take without the limit going down, as a factor.
        public var tolerance: Double
        /// How much of a new estimate is taken over, 0 to 1.
        public var smoothing: Double
        /// Over how many calls the usual duration is averaged.
        public var longWindow: Int

        /// - Note: The defaults are those of Netflix' concurrency-limits.
        public init(
            initial: Int = 20, minimum: Int = 20, maximum: Int = 200, queue: Double = 4, tolerance: Double = 1.5,
            smoothing: Double = 0.2, longWindow: Int = 600
        ) {
            self.initial = initial
            self.minimum = minimum
            self.maximum = maximum
            self.queue = queue
            self.tolerance = tolerance
            self.smoothing = smoothing
            self.longWindow = longWindow
        }
    }

    /// The leave for one call. It is given back exactly once, with ``ConcurrencyLimit/release(_:_:duration:)``.
    public struct Permit: Sendable, Hashable {
        /// How many calls were under way when it was given, this one included.
        let inFlight: Int
    }

    /// The first samples of the usual duration are averaged evenly, as there is no past to lean on.
    private static let warmUp = 10

    /// How the limit is found.
    public let algorithm: Algorithm
    /// How many calls are under way.
    public private(set) var inFlight = 0
    private var estimate: Double
    /// The usual duration in nanoseconds, and of how many samples.
    private var usual = 0.0
    private var samples = 0

    /// A limit with no call under way.
    public init(_ algorithm: Algorithm) {
        self.algorithm = algorithm
        estimate =
            switch algorithm {
            case .fixed(let limit): Double(max(1, limit))
            case .aimd(let settings): Self.clamp(Double(settings.initial), settings.minimum, settings.maximum)
            case .gradient2(let settings): Self.clamp(Double(settings.initial), settings.minimum, settings.maximum)
            }
    }

    /// How many calls may be under way at once. At least 1.
    public var limit: Int { Int(estimate) }

    /// Asks to make a call.
    ///
    /// - Returns: `nil` when as many calls as the limit allows are under way.
    public mutating func acquire() -> Permit? {
        guard inFlight < limit else { return nil }
        inFlight += 1
        return Permit(inFlight: inFlight)
    }

    /// The call ended, or was given up.
    public mutating func release(_ permit: Permit, _ outcome: CallOutcome, duration: Duration) {
        inFlight -= 1
        let isDropped: Bool
        switch outcome {
        case .success: isDropped = false
        case .failure(.timeout), .failure(.overloaded): isDropped = true
        case .failure, .cancelled: return
        }
        switch algorithm {
        case .fixed:
            return
        case .aimd(let settings):
            estimate = Self.clamp(
                next(settings, permit, isDropped: isDropped || duration > settings.timeout), settings.minimum,
                settings.maximum)
        case .gradient2(let settings):
            // Also a duration of zero has a ratio to others.
            let nanoseconds = Double(max(1, duration.wholeNanoseconds))
            estimate = Self.clamp(
                next(settings, permit, isDropped: isDropped, nanoseconds), settings.minimum, settings.maximum)
        }
    }

    private func next(_ settings: AIMD, _ permit: Permit, isDropped: Bool) -> Double {
        if isDropped { return (estimate * settings.backoffRatio).rounded(.down) }
        // Who does not use the limit does not know whether a higher one would do.
        return 2 * permit.inFlight >= limit ? estimate + 1 : estimate
    }

    private mutating func next(
        _ settings: Gradient2, _ permit: Permit, isDropped: Bool, _ nanoseconds: Double
    ) -> Double {
        // A drop is the steepest descent, without room to grow; how long it took says nothing.
        guard !isDropped else { return estimate * (1 - settings.smoothing) + estimate * 0.5 * settings.smoothing }
        average(nanoseconds, over: settings.longWindow)
        let ratio = usual / nanoseconds
        // After a long overload the usual duration is too long; it goes down faster than an average would.
        if ratio > 2 { usual *= 0.95 }
        guard 2 * permit.inFlight >= limit else { return estimate }
        let gradient = max(0.5, min(1, settings.tolerance * ratio))
        let target = estimate * gradient + settings.queue
        return estimate * (1 - settings.smoothing) + target * settings.smoothing
    }

    private mutating func average(_ nanoseconds: Double, over window: Int) {
        if samples < Self.warmUp {
            samples += 1
            usual += (nanoseconds - usual) / Double(samples)
        } else {
            usual += (nanoseconds - usual) * 2 / Double(max(1, window) + 1)
        }
    }

    private static func clamp(_ value: Double, _ minimum: Int, _ maximum: Int) -> Double {
        max(Double(max(1, minimum)), min(Double(maximum), value))
    }
}
