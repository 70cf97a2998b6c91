// SPDX-License-Identifier: Apache-2.0
// Rollcall

package import Rollcall

/// The course of one call over several servers: which is asked when, and when to give up. A value without clock.
///
/// Servers are asked one after the other without a pause, beginning with the one given. After a round in which none
/// answered there is a pause with jitter, not shorter than what a server advised. A pause that would not end before the
/// deadline is not begun: the caller learns at once.
package struct CallPlan: Sendable {
    package enum Step: Sendable, Hashable {
        /// Ask this server and wait so long for the answer.
        case attempt(server: Int, timeout: Duration)
        case wait(until: Instant)
        case giveUp
    }

    package enum Failure: Sendable, Hashable {
        /// The server could not be reached or cannot answer now.
        case unavailable(retryAfter: Duration?)
        /// What answers there is none of the servers that are meant, or none that can be trusted: it is not asked
        /// again.
        case useless
    }

    private let attemptTimeout: Duration
    private let backoff: Backoff
    private let deadline: Instant
    /// In the order of asking.
    private var servers: [Int]
    private var position = 0
    private var round = 0
    private var advice: Duration?

    /// - Parameter servers: In the order of asking.
    package init(
        _ servers: [Int], attemptTimeout: Duration, callTimeout: Duration, backoff: Backoff, start: Instant
    ) {
        self.servers = servers
        self.attemptTimeout = attemptTimeout
        self.backoff = backoff
        deadline = start + callTimeout
    }

    /// The first step, and the one after a pause.
    package func next(now: Instant) -> Step {
        let left = deadline - now
        guard left > .zero, servers.indices.contains(position) else { return .giveUp }
        return .attempt(server: servers[position], timeout: min(attemptTimeout, left))
    }

    /// The step after a failure of the server that was asked last.
    package mutating func failed(
        _ failure: Failure, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> Step {
        switch failure {
        case .unavailable(let retryAfter):
            if let retryAfter { advice = min(advice ?? retryAfter, retryAfter) }
            position += 1
        case .useless: servers.remove(at: position)
        }
        if servers.isEmpty { return .giveUp }
        if position < servers.count { return next(now: now) }
        let pause = max(backoff.delay(afterFailures: round + 1, using: &generator), advice ?? .zero)
        position = 0
        round += 1
        advice = nil
        let until = now + pause
        return until < deadline ? .wait(until: until) : .giveUp
    }
}
