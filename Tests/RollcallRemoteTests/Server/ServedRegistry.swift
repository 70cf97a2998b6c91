// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import NIOCore
import Rollcall
import RollcallRemote
import RollcallServer
import RollcallTesting
import ServiceLifecycle

/// A server over a registry in memory whose time a test moves.
final class ServedRegistry: Sendable {
    let registry: LocalRegistry
    let clock = ManualClock()
    let port: Int
    private let group: ServiceGroup
    private let running: Task<Void, any Error>

    /// - Parameter port: 0 takes a free one.
    init(port: Int = 0, recovered: RecoveredState? = nil) async throws {
        let time = TimeSource.manual(clock)
        registry = LocalRegistry(recovered: recovered, time: time)
        var configuration = ServerConfiguration()
        configuration.http.port = port
        configuration.http.eventLoopCount = 2
        configuration.http.limits.drainTime = .seconds(2)
        // The contract reports results of checks that nobody else may change meanwhile.
        configuration.health.isEnabled = false
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let (ports, sink) = AsyncStream.makeStream(of: Int.self)
        let server = RollcallServer(registry: registry, configuration: configuration, time: time, logger: quiet) {
            sink.yield($0.port ?? 0)
        }
        let group = ServiceGroup(services: [server], logger: quiet)
        self.group = group
        let running = Task {
            defer { sink.finish() }
            try await group.run()
        }
        self.running = running
        var iterator = ports.makeAsyncIterator()
        guard let bound = await iterator.next() else {
            try await running.value
            throw NotListening()
        }
        self.port = bound
    }

    struct NotListening: Error {}

    var address: ServerAddress { ServerAddress(host: "127.0.0.1", port: port) }

    func stop() async throws {
        await group.triggerGracefulShutdown()
        try await running.value
        await registry.shutdown()
    }
}

/// A registry asked over the network.
struct RemoteFixture: RegistryFixture {
    let registry: RemoteRegistry
    private let server: ServedRegistry

    init() async throws {
        server = try await ServedRegistry()
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        registry = RemoteRegistry(addresses: [server.address], configuration: .eager, logger: quiet)
    }

    func advance(by duration: Duration) async throws { server.clock.advance(by: duration) }

    func close() async throws {
        await registry.shutdown()
        try await server.stop()
    }
}
