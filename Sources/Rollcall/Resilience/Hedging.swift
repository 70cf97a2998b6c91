// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// When a second copy of a call that takes long is sent to another endpoint. The first good answer wins, and the other
/// copy is cancelled. Only for requests that may be acted upon twice.
///
/// Dean and Barroso, "The Tail at Scale", CACM 2013; Finagle's `BackupRequestFilter`.
public struct HedgingPolicy: Sendable, Hashable {
    /// How long the first try is alone.
    public enum Delay: Sendable, Hashable {
        /// Always this long.
        case fixed(Duration)
        /// The duration that this share of the last calls did not exceed, 0 to 1, and no less than `minimum`. Nothing
        /// is hedged before 100 calls were seen.
        case quantile(Double, minimum: Duration)
    }

    /// How long the first try is alone.
    public var delay: Delay
    /// How many copies are sent at most, besides the first.
    public var maximumHedges: Int
    /// How many copies all calls together may send. It is apart from the budget of retries.
    public var budget: RetryBudget.Configuration

    /// - Note: The 99th percentile and 1 ms are Finagle's. A budget of 2 % lets the estimate be off by as much again;
    ///   the reserve gives a client of few requests one copy in ten seconds.
    public init(
        delay: Delay = .quantile(0.99, minimum: .milliseconds(1)), maximumHedges: Int = 1,
        budget: RetryBudget.Configuration = .init(ratio: 0.02, reservePerSecond: 0.1)
    ) {
        self.delay = delay
        self.maximumHedges = maximumHedges
        self.budget = budget
    }
}

/// What the calls of a client to one service share for hedging: how long they took, and what may still be sent.
public struct Hedging: Sendable {
    /// Below this a high quantile says nothing.
    private static let samplesMin = 100
    /// How often the quantile is read anew, as Finagle does.
    private static let refresh = Duration.seconds(3)

    /// When copies are sent, and how many.
    public let policy: HedgingPolicy
    private var budget: RetryBudget
    private var latencies: LatencyHistogram
    private var quantile: Duration?
    private var refreshAt: Instant

    /// Nothing is known yet of how long calls take.
    public init(_ policy: HedgingPolicy = HedgingPolicy(), now: Instant) {
        self.policy = policy
        budget = RetryBudget(policy.budget)
        latencies = LatencyHistogram(now: now)
        refreshAt = now
    }

    /// A call that may be hedged begins.
    public mutating func deposit(now: Instant) {
        budget.deposit(now: now)
    }

    /// A try took so long: it succeeded then, or was given up then for the answer of another one.
    public mutating func record(_ latency: Duration, now: Instant) {
        guard case .quantile = policy.delay else { return }
        latencies.record(latency, now: now)
    }

    /// How long after a try another copy may be sent; `nil` for not at all.
    public mutating func delay(now: Instant) -> Duration? {
        switch policy.delay {
        case .fixed(let delay):
            return delay
        case .quantile(let share, let minimum):
            if now >= refreshAt || quantile == nil {
                latencies.advance(to: now)
                guard latencies.count >= Self.samplesMin else { return nil }
                quantile = latencies.quantile(share)
                refreshAt = now + Self.refresh
            }
            return quantile.map { max(minimum, $0) }
        }
    }

    /// Takes one copy out of the budget.
    ///
    /// - Returns: Whether there was one. When not, it must not be sent.
    public mutating func withdraw(now: Instant) -> Bool {
        budget.withdraw(now: now)
    }
}
