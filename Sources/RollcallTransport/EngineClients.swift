// SPDX-License-Identifier: Apache-2.0
// Rollcall

package import AsyncHTTPClient
package import NIOCore
internal import NIOSSL
package import Rollcall

/// The HTTP clients of an engine that speaks to servers: one for calls, one for answers that wait for something to
/// happen, which are silent for long and hold a connection each.
package struct EngineClients: Sendable {
    /// For calls that are answered at once.
    package let calls: HTTPClient
    /// For watches and blocking queries.
    package let waits: HTTPClient

    /// - Parameters:
    ///   - base: What the caller of the engine has set; what the engine relies on is set over it.
    ///   - attemptTimeout: A call that is silent for so long has failed.
    ///   - connectionsPerServer: For calls. What waits is not bounded here: one beyond a limit would wait for another
    ///     to end.
    ///   - silenceLimit: What waits is given up when it is silent for so long.
    package init(
        base: HTTPClient.Configuration, group: any EventLoopGroup, trust: ServerTrust, connectTimeout: Duration,
        attemptTimeout: Duration, connectionsPerServer: Int, silenceLimit: Duration
    ) {
        var http = base
        http.redirectConfiguration = .disallow
        http.decompression = .disabled
        http.httpVersion = .http1Only
        if let roots = trust.roots {
            var tls = http.tlsConfiguration ?? .makeClientConfiguration()
            tls.trustRoots = roots
            http.tlsConfiguration = tls
        }
        http.timeout.connect = TimeAmount(connectTimeout)
        http.timeout.read = TimeAmount(attemptTimeout)
        http.timeout.write = TimeAmount(attemptTimeout)
        // A server that refuses connections has to be seen at once: the next one is asked.
        http.connectionPool.retryConnectionEstablishment = false
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connectionsPerServer
        calls = HTTPClient(eventLoopGroup: group, configuration: http)
        http.timeout.read = TimeAmount(silenceLimit)
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1 << 20
        waits = HTTPClient(eventLoopGroup: group, configuration: http)
    }

    /// Ends both, those that wait first.
    package func shutdown() async throws {
        try await waits.shutdown()
        try await calls.shutdown()
    }
}

extension HTTPClientResponse.Body {
    /// The whole body.
    ///
    /// - Parameters:
    ///   - limit: Bytes; a longer one is an error.
    ///   - deadline: The client's own covers the head only, and its read time-out each pause.
    package func collect(upTo limit: Int, before deadline: Instant, by time: TimeSource) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await buffer in self {
            guard bytes.count + buffer.readableBytes <= limit else { throw AnswerFault.tooLarge(limit) }
            guard time.now() < deadline else { throw AnswerFault.tooSlow }
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        return bytes
    }
}

private enum AnswerFault: Error, CustomStringConvertible {
    case tooLarge(Int)
    case tooSlow

    var description: String {
        switch self {
        case .tooLarge(let limit): "the answer is larger than \(limit) bytes"
        case .tooSlow: "the answer did not end in time"
        }
    }
}
