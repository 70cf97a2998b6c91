// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Exponential back-off with full jitter: a delay drawn evenly between nothing and a bound that doubles with each
/// failure.
///
/// Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: of the forms compared there the one
/// with the least work for clients and server.
public struct Backoff: Sendable, Hashable {
    /// The bound after the first failure.
    public var initial: Duration
    /// The bound never grows beyond this.
    public var maximum: Duration
    /// What is waited at least, whatever is drawn.
    public var minimum: Duration

    public init(
        initial: Duration = .milliseconds(200), maximum: Duration = .seconds(10), minimum: Duration = .milliseconds(20)
    ) {
        self.initial = initial
        self.maximum = maximum
        self.minimum = minimum
    }

    /// How long to wait.
    ///
    /// - Parameter failures: How many attempts have failed in a row, at least 1.
    public func delay(afterFailures failures: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let doublings = min(max(failures, 1) - 1, 30)
        let bound = min(maximum, initial * (1 << doublings))
        return max(minimum, bound * Double.random(in: 0 ... 1, using: &random))
    }
}
