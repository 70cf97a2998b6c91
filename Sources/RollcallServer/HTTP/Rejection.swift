// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Why the transport refuses a request, before any route has seen it.
enum Rejection: String, Hashable, Sendable, CaseIterable {
    case malformed
    case badHost
    case unsupportedVersion
    case unknownExpectation
    case headTooLarge
    case headTooSlow
    case bodyTooLarge
    case bodyTooSlow
    case tooManyConnections
    case internalFailure

    /// The problem document that tells the client.
    var problem: ProblemDocument {
        switch self {
        case .malformed:
            ProblemDocument(
                status: 400, kind: "malformed", title: "Malformed request",
                detail: "The bytes received are not an HTTP/1.1 request.")
        case .badHost:
            ProblemDocument(
                status: 400, kind: "malformed", title: "Malformed request",
                detail: "An HTTP/1.1 request carries exactly one Host header field.")
        case .unsupportedVersion:
            ProblemDocument(
                status: 505, kind: "unsupported-version", title: "HTTP version not supported",
                detail: "This server speaks HTTP/1.1 and HTTP/1.0.")
        case .unknownExpectation:
            ProblemDocument(
                status: 417, kind: "unknown-expectation", title: "Expectation not understood",
                detail: "The only expectation known is 100-continue.")
        case .headTooLarge:
            ProblemDocument(
                status: 431, kind: "headers-too-large", title: "Request head too large",
                detail: "The request line and header fields exceed this server's limit.")
        case .headTooSlow:
            ProblemDocument(
                status: 408, kind: "too-slow", title: "Request not complete in time",
                detail: "The request head did not arrive in time.")
        case .bodyTooLarge:
            ProblemDocument(
                status: 413, kind: "too-large", title: "Request body too large",
                detail: "The request body exceeds the limit of this route.")
        case .bodyTooSlow:
            ProblemDocument(
                status: 408, kind: "too-slow", title: "Request not complete in time",
                detail: "The request body did not arrive in time.")
        case .tooManyConnections:
            ProblemDocument(
                status: 503, kind: "too-many-connections", title: "Too many connections",
                detail: "This server holds as many connections as it may. Try again shortly.", retryAfterSeconds: 1)
        case .internalFailure:
            ProblemDocument(
                status: 500, kind: "internal", title: "Internal error",
                detail: "The request could not be served because of a fault in this server. Its log names it.")
        }
    }
}
