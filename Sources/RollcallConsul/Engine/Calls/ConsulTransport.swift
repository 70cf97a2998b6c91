// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Rollcall
internal import RollcallTransport

/// The HTTP clients of the engine: one for calls, one for blocking queries, which are silent for long and hold a
/// connection each.
final class ConsulTransport: Sendable {
    private let calls: HTTPClient
    private let queries: HTTPClient
    private let configuration: ConsulRegistryConfiguration
    private let time: TimeSource

    init(
        configuration: ConsulRegistryConfiguration, base: HTTPClient.Configuration, group: any EventLoopGroup,
        time: TimeSource
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
        // An agent that refuses connections has to be seen at once: the next one is asked.
        http.connectionPool.retryConnectionEstablishment = false
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = configuration.connectionsPerServer
        calls = HTTPClient(eventLoopGroup: group, configuration: http)
        http.timeout.read = TimeAmount(Self.patience(for: configuration.blockingWait, configuration))
        // What bounds them is the number of blocking queries; one beyond a limit here would wait for another to end.
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1 << 20
        queries = HTTPClient(eventLoopGroup: group, configuration: http)
    }

    func shutdown() async throws {
        try await queries.shutdown()
        try await calls.shutdown()
    }

    /// How long to wait for the answer of a query that blocks for `wait`: an agent lengthens the wait by up to a
    /// sixteenth.
    static func patience(for wait: Duration, _ configuration: ConsulRegistryConfiguration) -> Duration {
        wait * 17 / 16 + configuration.attemptTimeout
    }

    /// Sends `request` to `server` and waits for the whole answer.
    ///
    /// - Parameter isBlocking: Whether the agent may be silent until something changes.
    func reply(
        to request: ConsulRequest, from server: ServerAddress, within timeout: Duration, isBlocking: Bool = false
    ) async throws(AttemptFailure) -> ConsulReply {
        let url = server.description + request.path.description
        let deadline = time.now() + timeout
        do {
            var message = HTTPClientRequest(url: url)
            message.method = request.method
            message.headers.add(name: "accept", value: "application/json")
            message.headers.add(name: "user-agent", value: "rollcall")
            if let token = configuration.token { message.headers.add(name: "x-consul-token", value: token) }
            if let body = request.body {
                message.headers.add(name: "content-type", value: "application/json; charset=utf-8")
                message.body = .bytes(ByteBuffer(bytes: body))
            }
            let client = isBlocking ? queries : calls
            let response = try await client.execute(message, deadline: .now() + TimeAmount(timeout))
            var body: [UInt8] = []
            for try await buffer in response.body {
                guard body.count + buffer.readableBytes <= configuration.answerBytes else {
                    throw AnswerFault.tooLarge(configuration.answerBytes)
                }
                // The deadline of the client covers the head only, and its read time-out each pause.
                guard time.now() < deadline + configuration.attemptTimeout else { throw AnswerFault.tooSlow }
                body.append(contentsOf: buffer.readableBytesView)
            }
            return ConsulReply(
                status: Int(response.status.code),
                index: response.headers.first(name: "x-consul-index").flatMap { UInt64($0) }, body: body)
        } catch {
            throw AttemptFailure(error, url: url)
        }
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
