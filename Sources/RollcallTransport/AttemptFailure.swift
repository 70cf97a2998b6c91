// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Why a server gave no answer.
package struct AttemptFailure: Error, Sendable, CustomStringConvertible {
    package let description: String
    /// Whether the server may have got the request all the same.
    package let mayBeDone: Bool
    /// The call was cancelled by its caller.
    package let isCancelled: Bool
    /// The same will happen when the server is asked again.
    package let isFinal: Bool

    package init(description: String, mayBeDone: Bool, isCancelled: Bool = false, isFinal: Bool = false) {
        self.description = description
        self.mayBeDone = mayBeDone
        self.isCancelled = isCancelled
        self.isFinal = isFinal
    }
}

extension AttemptFailure {
    /// The failure that an HTTP client's error stands for.
    package init(_ error: any Error, url: String) {
        if let fault = TLSFault(error) {
            self.init(description: "\(url): \(fault)", mayBeDone: false, isFinal: true)
            return
        }
        self.init(
            description: "\(url): \(error.inWords)", mayBeDone: !error.isBeforeRequest,
            isCancelled: error is CancellationError || error as? HTTPClientError == .cancelled)
    }
}

extension Error {
    /// Whether no connection came about, so that the server cannot have got the request.
    fileprivate var isBeforeRequest: Bool {
        switch self {
        case is NIOConnectionError: true
        // What connecting to an address (rather than to a name) fails with.
        case let error as IOError: [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode)
        case let error as ChannelError:
            if case .connectTimeout = error { true } else { false }
        case let error as HTTPClientError:
            [
                .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout, .invalidURL, .emptyHost,
            ].contains(error)
        default: false
        }
    }
}

extension Error {
    /// What happened, for a person: the usual failures of a network without the words of the libraries.
    fileprivate var inWords: String {
        switch self {
        case let error as NIOConnectionError:
            // The first address that was tried stands for the whole list.
            if let first = error.connectionErrors.first { return first.error.inWords }
            return "the host name \(error.host) cannot be resolved"
        case let error as IOError: return String(cString: strerror(error.errnoCode)).lowercasedFirst
        case let error as ChannelError:
            if case .connectTimeout = error { return "no connection came about in time" }
            return "\(error)"
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout: return "no connection came about in time"
            case .readTimeout, .deadlineExceeded: return "no answer in time"
            case .remoteConnectionClosed: return "the connection was closed before the answer was complete"
            default: return error.shortDescription
            }
        default: return "\(self)"
        }
    }
}

extension String {
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
