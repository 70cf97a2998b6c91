// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Rollcall
internal import RollcallTransport

/// The HTTP clients of a remote registry: one for calls, one for watches, which are silent for longer and hold a
/// connection each.
final class HTTPTransport: Sendable {
    private let calls: HTTPClient
    private let watches: HTTPClient
    private let configuration: RemoteConfiguration
    private let time: TimeSource

    init(
        configuration: RemoteConfiguration, base: HTTPClient.Configuration, group: any EventLoopGroup, time: TimeSource
    ) {
        self.configuration = configuration
        self.time = time
        var http = base
        http.redirectConfiguration = .disallow
        http.decompression = .disabled
        http.httpVersion = .http1Only
        if let roots = configuration.trust.roots {
            var tls = http.tlsConfiguration ?? .makeClientConfiguration()
            tls.trustRoots = roots
            http.tlsConfiguration = tls
        }
        http.timeout.connect = TimeAmount(configuration.connectTimeout)
        http.timeout.read = TimeAmount(configuration.attemptTimeout)
        http.timeout.write = TimeAmount(configuration.attemptTimeout)
        // A server that refuses connections has to be seen at once: the next one is asked.
        http.connectionPool.retryConnectionEstablishment = false
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.connectionsPerServer
        calls = HTTPClient(eventLoopGroup: group, configuration: http)
        // Also when the consumer is slow and nothing is read: the server would end such a watch a little later, and it
        // resumes by itself.
        http.timeout.read = TimeAmount(configuration.silenceLimit)
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.watchesPerServer
        watches = HTTPClient(eventLoopGroup: group, configuration: http)
    }

    /// A watch beyond the limit would wait for another to end.
    private static let watchesPerServer = 1 << 20

    func shutdown() async throws {
        try await watches.shutdown()
        try await calls.shutdown()
    }

    /// Sends `request` to `server` and waits for the whole answer.
    func answer(
        to request: RemoteRequest, from server: ServerAddress, within timeout: Duration
    ) async throws(AttemptFailure) -> ServerAnswer {
        let url = server.description + request.path.description
        let deadline = time.now() + timeout
        do {
            var message = HTTPClientRequest(url: url)
            message.method = request.method
            message.headers.add(name: "accept", value: "application/json, application/problem+json")
            message.headers.add(name: "user-agent", value: "rollcall")
            if let body = request.body {
                message.headers.add(name: "content-type", value: "application/json")
                message.body = .bytes(ByteBuffer(bytes: body))
            }
            let response = try await calls.execute(message, deadline: .now() + TimeAmount(timeout))
            let body = try await collect(response.body, upTo: configuration.answerBytes, before: deadline)
            return ServerAnswer(response, url: url, body: body)
        } catch {
            throw AttemptFailure(error, url: url)
        }
    }

    /// Opens the stream of a watch at `server`.
    ///
    /// - Returns: The stream, or the answer that says why there is none.
    func stream(
        _ path: RequestPath, resuming revision: Revision?, from server: ServerAddress
    ) async throws(AttemptFailure) -> WatchStream {
        let url = server.description + path.description
        do {
            var message = HTTPClientRequest(url: url)
            message.headers.add(name: "accept", value: "text/event-stream, application/problem+json")
            message.headers.add(name: "cache-control", value: "no-store")
            message.headers.add(name: "user-agent", value: "rollcall")
            if let revision { message.headers.add(name: "last-event-id", value: revision.description) }
            let timeout = TimeAmount(configuration.attemptTimeout)
            let response = try await watches.execute(message, deadline: .now() + timeout)
            let type = response.headers.first(name: "content-type") ?? ""
            if response.status == .ok, type.lowercased().hasPrefix("text/event-stream") { return .open(response.body) }
            let deadline = time.now() + configuration.attemptTimeout
            let body = try await collect(response.body, upTo: Self.refusalBytes, before: deadline)
            return .refused(ServerAnswer(response, url: url, body: body))
        } catch {
            throw AttemptFailure(error, url: url)
        }
    }

    /// No problem document is larger.
    private static let refusalBytes = 1 << 16

    private func collect(
        _ body: HTTPClientResponse.Body, upTo limit: Int, before deadline: Instant
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await buffer in body {
            guard bytes.count + buffer.readableBytes <= limit else { throw AnswerFault.tooLarge(limit) }
            // The deadline of the client covers the head only, and its read time-out each pause.
            guard time.now() < deadline else { throw AnswerFault.tooSlow }
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        return bytes
    }
}

/// What a server made of the request for a stream.
enum WatchStream: Sendable {
    case open(HTTPClientResponse.Body)
    case refused(ServerAnswer)
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

extension ServerAnswer {
    fileprivate init(_ response: HTTPClientResponse, url: String, body: [UInt8]) {
        self.init(
            url: url, status: Int(response.status.code), contentType: response.headers.first(name: "content-type"),
            retryAfter: response.headers.first(name: "retry-after"), body: body)
    }
}
