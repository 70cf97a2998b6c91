// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// One try of a call, as it went.
public struct CallAttempt<Endpoint: Hashable & Sendable>: Sendable, Hashable {
    /// Which try of the call it is, from 0.
    public let number: Int
    /// Where it went; `nil` until that is told, and when there was none to go to.
    public internal(set) var endpoint: Endpoint?
    /// Whether it was sent besides a try that was under way.
    public let isHedge: Bool
    /// When it began.
    public let start: Instant
    /// When it is given up for lack of time.
    public let deadline: Deadline
    /// When it ended or was cancelled; `nil` while it is under way.
    public internal(set) var end: Instant?
    /// `nil` while it is under way.
    public internal(set) var outcome: CallOutcome?
}

/// What the owner of a ``CallAttempts`` has to do after an event: first cancel, then start, then answer.
public struct CallStep<Endpoint: Hashable & Sendable>: Sendable, Hashable {
    /// A try to begin.
    public struct Start: Sendable, Hashable {
        /// Which try of the call it is, from 0.
        public let number: Int
        /// Where the call was before. Another endpoint is to be taken if there is one.
        public let excluding: [Endpoint]
        /// Whether the try is of no use at one of the excluded endpoints.
        public let needsOtherEndpoint: Bool
        /// Until when the try may take. It is the deadline to pass on, and never later than that of the call.
        public let deadline: Deadline
    }

    /// A try to cancel.
    public struct Cancellation: Sendable, Hashable {
        /// Which try of the call it is, from 0.
        public let number: Int
        /// What to tell those who learn from the calls to its endpoint: that it took too long, or nothing.
        public let outcome: CallOutcome
    }

    /// The end of a call.
    public enum Answer: Sendable, Hashable {
        /// The answer of this try is that of the call.
        case finish(number: Int)
        /// There is no good answer. The last try that ended has this number, if there was one: when it has an answer of
        /// a kind, as of HTTP 500, that may be passed on.
        case giveUp(CallGiveUp, last: Int?)
    }

    /// The tries to cancel, before anything else.
    public internal(set) var cancel: [Cancellation] = []
    /// The try to begin, if any.
    public internal(set) var start: Start?
    /// The end of the call, if it has come.
    public internal(set) var answer: Answer?

    init() {}
}

/// Why a call ended without a good answer.
public enum CallGiveUp: Sendable, Hashable {
    /// The failure is of a kind that is not tried again: the request may have been acted upon.
    case notRetryable
    /// As many tries as allowed were made.
    case attemptsExhausted
    /// All calls to the service together have retried as much as they may.
    case budgetExhausted
    /// The deadline has passed, or the next try could not begin before it.
    case deadline
    /// The server asked not to be tried again, or not for longer than the policy waits.
    case pushedBack
    /// There is no endpoint to try.
    case noEndpoint
    /// The caller gave up.
    case cancelled
}
