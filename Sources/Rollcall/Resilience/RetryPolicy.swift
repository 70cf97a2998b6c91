// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Which failed tries of a call are followed by another one, and how.
///
/// A try goes to another instance than those before it, as long as there is one.
public struct RetryPolicy: Sendable, Hashable {
    /// How many tries a call may take in all, hedges included. At least 1.
    ///
    /// The default of 3 lets a call survive a dead and a broken instance.
    public var maximumAttempts: Int
    /// How long one try may take; `nil` for no bound of its own.
    public var attemptTimeout: Duration?
    /// How long the whole call may take, pauses included; `nil` for no bound but the caller's deadline.
    public var totalTimeout: Duration?
    /// The pause before another try.
    public var backoff: Backoff
    /// After which failures an idempotent request is tried again.
    public var retriedFailures: Set<CallFailure>
    /// A server that asks for a longer pause than this is not asked again.
    public var longestPushback: Duration

    /// - Note: Back-off and total time-out as Envoy's (25 ms to 250 ms, 15 s).
    public init(
        maximumAttempts: Int = 3, attemptTimeout: Duration? = .seconds(5), totalTimeout: Duration? = .seconds(15),
        backoff: Backoff = Backoff(initial: .milliseconds(25), maximum: .milliseconds(250), minimum: .zero),
        retriedFailures: Set<CallFailure> = Set(CallFailure.allCases), longestPushback: Duration = .seconds(5)
    ) {
        self.maximumAttempts = maximumAttempts
        self.attemptTimeout = attemptTimeout
        self.totalTimeout = totalTimeout
        self.backoff = backoff
        self.retriedFailures = retriedFailures
        self.longestPushback = longestPushback
    }

    /// One try, within the same time-outs.
    public static let never = RetryPolicy(maximumAttempts: 1)

    /// Whether a request may be sent again after this failure, by its nature alone.
    ///
    /// What was never sent may be sent again whatever it is. After any other failure the request may have been acted
    /// upon, so only one that can be repeated without harm is (RFC 9110, 9.2.2).
    ///
    /// - Parameter isIdempotent: Whether the request may be acted upon twice, and its content can be sent twice.
    public func retries(_ failure: CallFailure, isIdempotent: Bool) -> Bool {
        switch failure {
        case .connect: retriedFailures.contains(failure)
        case .connectionLost, .timeout, .serverError, .gatewayError, .overloaded:
            isIdempotent && retriedFailures.contains(failure)
        }
    }

    /// Whether requests of this HTTP method, in upper case, are idempotent by definition (RFC 9110, 9.2.2).
    public static func isIdempotent(method: String) -> Bool {
        switch method {
        case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE": true
        default: false
        }
    }
}

/// What a server that failed says about trying again.
public enum Pushback: Sendable, Hashable {
    /// Not before this time has passed: HTTP `Retry-After`, gRPC `grpc-retry-pushback-ms`.
    case after(Duration)
    /// Not at all: a negative `grpc-retry-pushback-ms` (gRFC A6).
    case never
}
