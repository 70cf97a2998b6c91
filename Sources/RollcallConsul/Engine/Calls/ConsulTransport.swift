// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import Rollcall
internal import RollcallTransport

/// Sends requests of Consul's API to agents: calls, and blocking queries.
final class ConsulTransport: Sendable {
    private let clients: EngineClients
    private let configuration: ConsulRegistryConfiguration
    private let time: TimeSource

    init(
        configuration: ConsulRegistryConfiguration, base: HTTPClient.Configuration, group: any EventLoopGroup,
        time: TimeSource
    ) {
        self.configuration = configuration
        self.time = time
        clients = EngineClients(
            base: base, group: group, trust: configuration.trust, connectTimeout: configuration.connectTimeout,
            attemptTimeout: configuration.attemptTimeout, connectionsPerServer: configuration.connectionsPerServer,
            silenceLimit: Self.patience(for: configuration.blockingWait, configuration))
    }

    func shutdown() async throws { try await clients.shutdown() }

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
            let client = isBlocking ? clients.waits : clients.calls
            let response = try await client.execute(message, deadline: .now() + TimeAmount(timeout))
            let body = try await response.body.collect(
                upTo: configuration.answerBytes, before: deadline + configuration.attemptTimeout, by: time)
            return ConsulReply(
                status: Int(response.status.code),
                index: response.headers.first(name: "x-consul-index").flatMap { UInt64($0) }, body: body)
        } catch {
            throw AttemptFailure(error, url: url)
        }
    }
}
