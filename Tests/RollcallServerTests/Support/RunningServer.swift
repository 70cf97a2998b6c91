// SPDX-License-Identifier: Apache-2.0
// Rollcall

import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import Rollcall
import RollcallServer
import RollcallTesting
import ServiceLifecycle
import Synchronization

/// A server on a free port over a registry in memory whose time a test moves.
struct RunningServer: Sendable {
    let registry: LocalRegistry
    let clock: ManualClock
    let port: Int
    /// 0 without DNS.
    let dnsPort: Int
    private let group: ServiceGroup

    /// Tells the server to stop, without waiting for it.
    func stop() async { await group.triggerGracefulShutdown() }

    /// Runs `body` against a server, and ends the server in order.
    static func run<Value: Sendable>(
        _ configuration: ServerConfiguration = ServerConfiguration(), journal: (any Journal)? = nil,
        _ body: @escaping @Sendable (RunningServer) async throws -> Value
    ) async throws -> Value {
        let clock = ManualClock()
        let time = TimeSource.manual(clock)
        let registry = LocalRegistry(journal: journal, time: time)
        var configuration = configuration
        configuration.http.port = 0
        configuration.http.eventLoopCount = 2
        configuration.dns.port = 0
        let (ports, sink) = AsyncStream.makeStream(of: Int.self)
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let dnsPort = Mutex(0)
        let server = RollcallServer(
            registry: registry, configuration: configuration, time: time, logger: quiet,
            onListening: { sink.yield($0.port ?? 0) },
            onListeningForDNS: { address in dnsPort.withLock { $0 = address.port ?? 0 } })
        let group = ServiceGroup(services: [server], logger: quiet)
        let running = Task { try await group.run() }
        var iterator = ports.makeAsyncIterator()
        let port = await iterator.next() ?? 0
        let result: Result<Value, any Error>
        do {
            let running = RunningServer(
                registry: registry, clock: clock, port: port, dnsPort: dnsPort.withLock { $0 }, group: group)
            result = .success(try await body(running))
        } catch {
            result = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await running.value
        await registry.shutdown()
        return try result.get()
    }

    struct Reply: Sendable {
        let status: Int
        let headers: [String: String]
        let body: String

        var json: JSONValue { (try? JSONValue.parse(Array(body.utf8))) ?? .null }

        /// The last part of a problem's type.
        var problem: String? {
            guard headers["content-type"] == "application/problem+json" else { return nil }
            return json["type"]?.stringValue?.split(separator: ":").last.map(String.init)
        }
    }

    /// Sends one request.
    func request(_ method: String, _ target: String, _ body: String? = nil, headers: [String: String] = [:])
        async throws
        -> Reply
    {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(target)")
        request.method = .RAW(value: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 64 * 1024 * 1024)
        let fields = response.headers.map { ($0.name.lowercased(), $0.value) }
        return Reply(
            status: Int(response.status.code), headers: Dictionary(fields) { first, _ in first },
            body: String(buffer: bytes))
    }
}
