// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How a call to one instance ended, as far as balancing and resilience care. Each protocol maps its own answers to it.
public enum CallOutcome: Sendable, Hashable {
    /// The instance did its work, whatever its answer says to the caller: a 404 is a success here.
    case success
    /// The instance or the way to it failed.
    case failure(CallFailure)
    /// The caller gave up. It says nothing about the instance.
    case cancelled
}

/// What was wrong with a call that failed by the fault of the instance or of the way to it.
public enum CallFailure: Sendable, Hashable, CaseIterable {
    /// No connection: refused, unreachable, TLS failed. Nothing of the request was sent.
    case connect
    /// The connection ended before the answer had begun. Whether the request was acted upon is unknown.
    case connectionLost
    /// No answer in time. Whether the request was acted upon is unknown.
    case timeout
    /// The instance says that it failed: HTTP 5xx other than the gateway's own, gRPC `INTERNAL` and its like.
    case serverError
    /// An intermediary found nobody behind it: HTTP 502, 503, 504, gRPC `UNAVAILABLE`.
    case gatewayError
    /// The instance asks for less: HTTP 429, 503 with `Retry-After`, gRPC `RESOURCE_EXHAUSTED`.
    case overloaded
}
