// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// The course of one blocking query that is asked again and again: with which index, and how soon. A value without
/// clock and sockets.
///
/// The rules are Consul's: an index that shrinks begins anew without one, 0 stands for 1, and the loop is never tight,
/// whatever the other side answers.
struct BlockingQueryCourse: Sendable {
    /// What an answer is to the course.
    enum Meaning: Sendable, Hashable {
        /// There may be something new in it.
        case news
        /// The wait is over and nothing has changed.
        case unchanged
        /// The index went back: what is known was another history. The answer is to be read as the beginning of a new
        /// one.
        case newHistory
    }

    /// The index to ask with; `nil` asks without waiting. After a failure nothing is waited for: that the other side is
    /// back is news.
    var index: UInt64? { failures == 0 ? seen : nil }
    private var seen: UInt64?
    private let wait: Duration
    private let interval: Duration
    private let pollInterval: Duration
    private let backoff: Backoff
    /// `false` for a query that is polled.
    private let isBlocking: Bool
    private var failures = 0
    /// Answers in a row that came without news although there was time to wait.
    private var hasty = 0
    private var askedAt = Instant.zero

    init(_ configuration: ConsulRegistryConfiguration, isBlocking: Bool = true) {
        wait = configuration.blockingWait
        interval = configuration.watchInterval
        pollInterval = configuration.pollInterval
        backoff = configuration.watchBackoff
        self.isBlocking = isBlocking
    }

    /// The question is asked now.
    mutating func asked(now: Instant) { askedAt = now }

    /// An answer came.
    ///
    /// - Parameter answered: Its `X-Consul-Index`; without one there is no waiting, and the query is polled.
    /// - Returns: What it means, and when to ask again.
    mutating func answered(
        _ answered: UInt64?, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> (Meaning, next: Instant) {
        let waited = index != nil
        failures = 0
        guard isBlocking, let answered else {
            seen = nil
            return (.news, askedAt + pollInterval * Double.random(in: 0.75 ... 1.25, using: &generator))
        }
        let present = max(1, answered)
        guard let former = seen else {
            seen = present
            return (.news, askedAt + interval)
        }
        if present > former {
            hasty = 0
            seen = present
            return (.news, askedAt + interval)
        }
        if present < former {
            seen = nil
            return (.newHistory, pause(now, &generator))
        }
        guard waited, now - askedAt < wait / 2 else {
            hasty = 0
            return (.unchanged, now)
        }
        return (.unchanged, pause(now, &generator))
    }

    /// No answer came, or one that says that there is none.
    ///
    /// - Returns: When to ask again.
    mutating func failed(now: Instant, using generator: inout some RandomNumberGenerator) -> Instant {
        failures += 1
        return now + backoff.delay(afterFailures: failures, using: &generator)
    }

    private mutating func pause(_ now: Instant, _ generator: inout some RandomNumberGenerator) -> Instant {
        hasty += 1
        return max(askedAt + interval, now + backoff.delay(afterFailures: hasty, using: &generator))
    }
}
