// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Exponential back-off with jitter: how long to wait before the next attempt.
///
/// Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: of the forms compared there full jitter
/// is the one with the least work for clients and server, and decorrelated jitter the one that ends soonest.
public struct Backoff: Sendable, Hashable {
    /// How the delay is drawn.
    public enum Jitter: Sendable, Hashable {
        /// Evenly between nothing and a bound that doubles with each failure.
        case full
        /// Evenly between `initial` and three times the previous delay.
        case decorrelated
    }

    /// The bound after the first failure.
    public var initial: Duration
    /// The bound never grows beyond this.
    public var maximum: Duration
    /// What is waited at least, whatever is drawn. It wins over `maximum`.
    public var minimum: Duration
    /// How the delay is drawn from its bounds.
    public var jitter: Jitter

    /// The settings that are named, and the defaults of the others.
    public init(
        initial: Duration = .milliseconds(200), maximum: Duration = .seconds(10),
        minimum: Duration = .milliseconds(20), jitter: Jitter = .full
    ) {
        self.initial = initial
        self.maximum = maximum
        self.minimum = minimum
        self.jitter = jitter
    }

    /// How long to wait.
    ///
    /// - Parameters:
    ///   - failures: How many attempts have failed in a row, at least 1. Decorrelated jitter does not look at it.
    ///   - previous: The delay before this one, `nil` for the first. Full jitter does not look at it.
    public func delay(
        afterFailures failures: Int, previous: Duration? = nil, using random: inout some RandomNumberGenerator
    ) -> Duration {
        let draw = Double.random(in: 0 ... 1, using: &random)
        switch jitter {
        case .full:
            // Beyond 30 doublings any bound is reached, and the shift could not overflow.
            let doublings = min(max(failures, 1) - 1, 30)
            return max(minimum, min(maximum, initial * (1 << doublings)) * draw)
        case .decorrelated:
            let bound = max(initial, min(previous ?? initial, maximum) * 3)
            return max(minimum, min(maximum, initial + (bound - initial) * draw))
        }
    }
}
