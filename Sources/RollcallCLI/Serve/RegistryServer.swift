// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Logging
internal import Rollcall
internal import RollcallEmbedded
internal import NIOCore
internal import RollcallServer
internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals

/// Puts together what `rollcall serve` runs: the engine and the server over it.
struct RegistryServer: Sendable {
    let configuration: ServeConfiguration

    /// Serves until SIGTERM or SIGINT, then ends in order.
    ///
    /// - Parameter announce: Told once, when the server listens: where, and what was recovered.
    /// - Throws: `ServeError`.
    func run(announce: @escaping @Sendable (String) -> Void) async throws {
        let logger = logger("rollcall.server")
        let registry = try await openRegistry()
        let recovered = registry.catalog.counts.instances
        let storage =
            switch configuration.storage {
            case .memory: "in memory"
            case .folder(let path):
                "data in \(path), \(recovered) instance\(recovered == 1 ? "" : "s") recovered"
            }
        let dnsAddress = Mutex<SocketAddress?>(nil)
        let server = RollcallServer(
            registry: registry, configuration: serverConfiguration, logger: logger,
            onListening: { address in
                announce("listening on http://\(shown(address, configuration.address)), \(storage)")
                if let address = dnsAddress.withLock({ $0 }) {
                    logger.notice("answering DNS on \(shown(address, configuration.dns.host))")
                }
            },
            onListeningForDNS: { address in dnsAddress.withLock { $0 = address } })
        let group = ServiceGroup(services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        do {
            try await group.run()
        } catch {
            await registry.shutdown()
            throw ServeError(description: "\(error)", exitCode: .registryUnavailable)
        }
        // After the last request was answered: what was accepted is made durable, and the file is closed.
        await registry.shutdown()
    }

    private var serverConfiguration: ServerConfiguration {
        var server = ServerConfiguration()
        server.http = HTTPServerConfiguration(host: configuration.address, port: Int(configuration.port))
        server.http.limits.connectionCountMax = configuration.http.connections
        server.http.limits.headBytesMax = configuration.http.headerBytes
        server.http.limits.headTimeMax = configuration.http.headerTime
        server.http.limits.bodyTimeMax = configuration.http.bodyTime
        server.http.limits.idleTimeMax = configuration.http.idleTime
        server.http.limits.stallTimeMax = configuration.http.stallTime
        server.http.limits.drainTime = configuration.http.drainTime
        server.watches.streamCountMax = configuration.http.watchers
        server.bodies.heartbeatsBytes = configuration.http.bodyBytes
        server.bodies.registrationBytes = min(server.bodies.registrationBytes, configuration.http.bodyBytes)
        server.bodies.otherBytes = min(server.bodies.otherBytes, configuration.http.bodyBytes)
        server.defaultLease = configuration.lease.terms(within: configuration.model)
        server.dns = dnsConfiguration
        server.answerBytesMax = configuration.answerBytes
        server.consul = configuration.resolvedConsul
        server.health = configuration.health
        server.health.scheduler.outputBytes = configuration.model.checkOutputBytes
        return server
    }

    private var dnsConfiguration: DNSConfiguration {
        var dns = configuration.dns
        // A server that takes a free port for HTTP runs beside others, and did not ask for the well-known one of DNS.
        if configuration.port == 0, !configuration.isDNSPortChosen { dns.port = 0 }
        return dns
    }

    /// `address` as it is written before and after the colon of a port.
    private func shown(_ address: SocketAddress, _ configured: String) -> String {
        let host = address.ipAddress ?? configured
        return "\(host.contains(":") ? "[\(host)]" : host):\(address.port ?? 0)"
    }

    private func openRegistry() async throws -> LocalRegistry {
        let logger = logger("rollcall.registry")
        var local = LocalRegistry.Configuration()
        local.limits = configuration.model
        local.brake = configuration.brake
        local.catalog.historyChanges = configuration.historyChanges
        local.waitingWrites = configuration.waitingWrites
        switch configuration.storage {
        case .memory:
            return LocalRegistry(configuration: local, logger: logger)
        case .folder(let path):
            do throws(EmbeddedError) {
                return try await EmbeddedRegistry.open(path: path, configuration: local, logger: logger)
            } catch {
                throw ServeError(
                    description: error.description,
                    exitCode: error.isOfConfiguration ? .configuration : .registryUnavailable)
            }
        }
    }

    private func logger(_ label: String) -> Logger {
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = configuration.logLevel
        return logger
    }
}

extension EmbeddedError {
    /// Whether another path has to be named, or this one be made usable. The other errors pass, or are of the disk.
    fileprivate var isOfConfiguration: Bool {
        switch code {
        case .badPath, .notReadable, .notWritable, .notADatabase, .foreign, .newerSchema: true
        default: false
        }
    }
}
