// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Rollcall
internal import RollcallTransport

/// Sends requests of the native API to servers: calls, and watches.
final class HTTPTransport: Sendable {
    private let clients: EngineClients
    private let configuration: RemoteConfiguration
    private let time: TimeSource

    init(
        configuration: RemoteConfiguration, base: HTTPClient.Configuration, group: any EventLoopGroup, time: TimeSource
    ) {
        self.configuration = configuration
        self.time = time
        // A watch is also silent when its consumer is slow and nothing is read: the server would end it a little later,
        // and it resumes by itself.
        clients = EngineClients(
            base: base, group: group, trust: configuration.trust, connectTimeout: configuration.connectTimeout,
            attemptTimeout: configuration.attemptTimeout, connectionsPerServer: configuration.connectionsPerServer,
            silenceLimit: configuration.silenceLimit)
    }

    func shutdown() async throws { try await clients.shutdown() }

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
            let response = try await clients.calls.execute(message, deadline: .now() + TimeAmount(timeout))
            let body = try await response.body.collect(upTo: configuration.answerBytes, before: deadline, by: time)
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
            let response = try await clients.waits.execute(message, deadline: .now() + timeout)
            let type = response.headers.first(name: "content-type") ?? ""
            if response.status == .ok, type.lowercased().hasPrefix("text/event-stream") { return .open(response.body) }
            let deadline = time.now() + configuration.attemptTimeout
            let body = try await response.body.collect(upTo: Self.refusalBytes, before: deadline, by: time)
            return .refused(ServerAnswer(response, url: url, body: body))
        } catch {
            throw AttemptFailure(error, url: url)
        }
    }

    /// No problem document is larger.
    private static let refusalBytes = 1 << 16
}

/// What a server made of the request for a stream.
enum WatchStream: Sendable {
    case open(HTTPClientResponse.Body)
    case refused(ServerAnswer)
}

extension ServerAnswer {
    fileprivate init(_ response: HTTPClientResponse, url: String, body: [UInt8]) {
        self.init(
            url: url, status: Int(response.status.code), contentType: response.headers.first(name: "content-type"),
            retryAfter: response.headers.first(name: "retry-after"), body: body)
    }
}
