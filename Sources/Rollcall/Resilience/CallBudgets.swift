// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What all calls of a client to one service share: how much may be retried and hedged. Its owner keeps it behind a
/// lock and lends it to each ``CallAttempts`` for the time of one event.
public struct CallBudgets: Sendable {
    /// What may be retried.
    public var retries: RetryBudget
    /// `nil` when nothing is hedged.
    public var hedging: Hedging?

    /// The budgets of one service; nothing is hedged unless `hedging` is there.
    public init(retries: RetryBudget = RetryBudget(), hedging: Hedging? = nil) {
        self.retries = retries
        self.hedging = hedging
    }
}
