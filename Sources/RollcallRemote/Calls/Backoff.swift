// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// Exponential back-off with full jitter: a random pause between nothing and a limit that doubles each round (Brooker,
/// "Exponential Backoff and Jitter", AWS Architecture Blog 2015). Clients that lost the same server at the same moment do
/// not come back at the same moment.
public struct Backoff: Sendable, Hashable {
    /// The longest pause of the first round.
    public var base: Duration
    /// The longest pause of any round.
    public var limit: Duration

    public init(base: Duration, limit: Duration) {
        self.base = base
        self.limit = limit
    }

    /// The longest pause after `round` rounds.
    func ceiling(round: Int) -> Duration {
        // 2^40 times a nanosecond is 18 minutes already; more rounds must not overflow.
        let factor = Int64(1) << Int64(min(max(round, 0), 40))
        let (grown, overflow) = base.wholeNanoseconds.multipliedReportingOverflow(by: factor)
        return overflow ? limit : min(limit, .nanoseconds(grown))
    }

    /// The pause after `round` rounds.
    func pause(round: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        .nanoseconds(Int64.random(in: 0 ... max(0, ceiling(round: round).wholeNanoseconds), using: &generator))
    }
}
