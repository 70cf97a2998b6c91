// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
public import Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What an error of the HTTP client says of the instance; `nil` for one that is the caller's own.
struct HTTPFailure {
    let failure: CallFailure?

    init(_ error: any Error) {
        failure =
            switch error {
            case let error as HTTPClientError: Self.failure(error)
            case is NIOConnectionError: .connect
            case ChannelError.connectTimeout: .connect
            case let error as IOError: Self.failure(errno: error.errnoCode)
            case is ServiceURLError, is CancellationError, is DeadlinePassed: nil
            // TLS, HTTP that cannot be read, a channel that was closed: not known to have been acted upon or not.
            default: .connectionLost
            }
    }

    private static func failure(_ error: HTTPClientError) -> CallFailure? {
        switch error {
        case .connectTimeout, .tlsHandshakeTimeout, .socksHandshakeTimeout, .httpProxyHandshakeTimeout,
            .getConnectionFromPoolTimeout:
            .connect
        case .readTimeout, .writeTimeout, .deadlineExceeded: .timeout
        case .remoteConnectionClosed, .uncleanShutdown: .connectionLost
        default: nil
        }
    }

    private static func failure(errno: CInt) -> CallFailure {
        switch errno {
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL: .connect
        case ETIMEDOUT: .timeout
        default: .connectionLost
        }
    }
}

extension CallReport {
    /// What came of an HTTP request to an instance, for calls that use an HTTP client of their own.
    public init(http result: Result<HTTPClientResponse, any Error>) {
        switch result {
        case .success(let response): self.init(response)
        case .failure(let error): self.init(HTTPFailure(error), error)
        }
    }

    /// What a failure shows.
    init(_ failure: HTTPFailure, _ error: any Error) {
        if let known = failure.failure {
            self.init(.failure(known))
        } else {
            let isCancelled = error is CancellationError || error as? HTTPClientError == .cancelled
            self.init(isCancelled ? .cancelled : .success)
        }
    }

    /// What an answer shows: 500 and 508 are the instance's own failures, 502, 503 and 504 those of a way behind it,
    /// 429 and a 503 with `Retry-After` ask for less. All others are answers.
    init(_ response: HTTPClientResponse) {
        let pause = response.headers.first(name: "retry-after").flatMap { UInt32($0) }
        let pushback = pause.map { Pushback.after(.seconds(Int64($0))) }
        switch response.status.code {
        case 500, 508: self.init(.failure(.serverError), pushback: pushback)
        case 502, 504: self.init(.failure(.gatewayError), pushback: pushback)
        case 503: self.init(.failure(pushback == nil ? .gatewayError : .overloaded), pushback: pushback)
        case 429: self.init(.failure(.overloaded), pushback: pushback)
        default: self.init(.success)
        }
    }
}
