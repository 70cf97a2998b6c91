// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What went wrong with a probe, in words that do not change from one round to the next.
func explanation(of error: any Error, timeout: Duration) -> String {
    switch error {
    case is ProbeTimeout: return "no answer within \(timeout.spoken)"
    case is CancellationError: return "the check was ended"
    case let error as IOError: return explanation(of: error)
    case let error as NIOConnectionError:
        // The addresses of one host mostly fail alike: each reason once.
        var reasons: [String] = []
        for failure in error.connectionErrors {
            let reason = explanation(of: failure, timeout: timeout)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons.isEmpty ? "the host name \(error.host) cannot be resolved" : reasons.joined(separator: ", ")
    case let error as ChannelError:
        if case .connectTimeout = error { return "no connection within \(timeout.spoken)" }
        return "\(error)"
    case let error as HTTPClientError: return explanation(of: error, timeout: timeout)
    case let error as NIOSSLError: return "TLS: \(error)"
    default: return "\(error)"
    }
}

/// In the words of Go's network library: what reads the outputs of Consul's checks knows them.
private func explanation(of failure: SingleConnectionFailure, timeout: Duration) -> String {
    let host = failure.target.ipAddress ?? "\(failure.target)"
    let target = "\(host.contains(":") ? "[\(host)]" : host):\(failure.target.port ?? 0)"
    switch failure.error {
    case let error as IOError: return "dial tcp \(target): connect: \(explanation(of: error))"
    case ChannelError.connectTimeout: return "dial tcp \(target): i/o timeout"
    default: return "dial tcp \(target): \(explanation(of: failure.error, timeout: timeout))"
    }
}

private func explanation(of error: IOError) -> String {
    switch error.errnoCode {
    case ECONNREFUSED: "connection refused"
    case ECONNRESET: "connection reset"
    default: String(cString: strerror(error.errnoCode))
    }
}

private func explanation(of error: HTTPClientError, timeout: Duration) -> String {
    switch error {
    case .connectTimeout: "no connection within \(timeout.spoken)"
    case .deadlineExceeded, .readTimeout, .writeTimeout: "no answer within \(timeout.spoken)"
    case .remoteConnectionClosed: "the connection was closed before an answer"
    case .tlsHandshakeTimeout: "no TLS handshake within \(timeout.spoken)"
    case .invalidURL, .emptyHost: "not a valid URL"
    default: error.shortDescription
    }
}

extension TimeAmount {
    init(_ duration: Duration) { self = .nanoseconds(duration.wholeNanoseconds) }
}
