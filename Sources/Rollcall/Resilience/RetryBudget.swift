// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Bounds the retries of all calls to one service together, so that a service that fails is not buried under retries.
///
/// Within any window, retries are at most `ratio` of the requests plus `reserve` a second. One budget is shared by all
/// calls of a client to a service; it is not per instance. Source: Finagle's `RetryBudget` (20 % and 10 a second over
/// 10 s), with counts in place of its tokens.
public struct RetryBudget: Sendable {
    /// How much may be retried.
    public struct Configuration: Sendable, Hashable {
        /// How many retries a request pays for. 0.2 means one retry for five requests.
        public var ratio: Double
        /// How many retries a second are free, so that a client with few requests can retry too.
        public var reservePerSecond: Double
        /// How long a request pays. It is kept in ten slots, and exact to one of them.
        public var window: Duration

        /// - Note: The defaults are Finagle's.
        public init(ratio: Double = 0.2, reservePerSecond: Double = 10, window: Duration = .seconds(10)) {
            self.ratio = ratio
            self.reservePerSecond = reservePerSecond
            self.window = window
        }
    }

    static var slots: Int { 10 }

    /// How much may be retried.
    public let configuration: Configuration
    private var requests: SlidingSum<Int>
    private var retries: SlidingSum<Int>

    /// A budget of which nothing is used.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        let slotLength = configuration.window / Self.slots
        // Requests count for no longer than the window, and retries for no shorter, so the bound holds for every window
        // and not only for those that begin with a slot.
        requests = SlidingSum(slotLength: slotLength, slots: Self.slots)
        retries = SlidingSum(slotLength: slotLength, slots: Self.slots + 1)
    }

    /// A call begins. Its retries are not told here.
    public mutating func deposit(now: Instant) {
        requests.add(1, now: now)
    }

    /// Takes one retry out of the budget.
    ///
    /// - Returns: Whether there was one. When not, nothing is taken and the retry must not be made.
    public mutating func withdraw(now: Instant) -> Bool {
        guard spare(now: now) >= 1 else { return false }
        retries.add(1, now: now)
        return true
    }

    /// How many retries could be made at this instant. Never negative.
    public mutating func spare(now: Instant) -> Int {
        requests.advance(to: now)
        retries.advance(to: now)
        let paid = configuration.ratio * Double(requests.total)
        let free = configuration.reservePerSecond * configuration.window.inSeconds
        // What is 3 but for the rounding of a ratio like 0.1 is 3.
        let allowed = (paid + free + 1e-9).rounded(.down)
        return max(0, Int(min(allowed, 1e15)) - retries.total)
    }
}
