// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Logging
public import NIOCore
internal import NIOPosix
public import Rollcall
public import ServiceLifecycle

/// Serves a registry over HTTP (the native API with its watches, health and metrics, and Consul's API) and over DNS,
/// and runs the health checks that instances declare.
///
/// ```swift
/// let server = RollcallServer(registry: LocalRegistry())
/// try await ServiceGroup(services: [server], gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
public final class RollcallServer: Service {
    private let configuration: HTTPServerConfiguration
    private let dns: DNSServing?
    private let services: HTTPServices
    private let readiness: ServerReadiness
    private let checks: HealthChecks?
    private let consul: ConsulAPI?
    private let eventLoopGroup: (any EventLoopGroup)?
    private let onListening: @Sendable (SocketAddress) -> Void
    private let onListeningForDNS: @Sendable (SocketAddress) -> Void

    /// - Parameters:
    ///   - time: The time line of the registry, on which its changes are born.
    ///   - eventLoopGroup: Where connections are served; by default a group of its own, ended with the server.
    ///   - onListening: Told the address when connections are accepted.
    ///   - onListeningForDNS: Told the address of the DNS, just before that; not called without DNS.
    public init(
        registry: any CatalogRegistry, configuration: ServerConfiguration = ServerConfiguration(),
        time: TimeSource = .system, eventLoopGroup: (any EventLoopGroup)? = nil,
        logger: Logger = Logger(label: "rollcall.server"),
        onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in },
        onListeningForDNS: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) {
        let help = ServerMetrics.help.merging(WatchMetrics.help) { own, _ in own }
            .merging(HealthMetrics.help) { own, _ in own }
            .merging(DNSMetrics.help) { own, _ in own }
        let factory = PrometheusFactory(help: help)
        let metrics = ServerMetrics(factory: factory)
        let routes = NativeRoute.allCases.map { metrics.route($0.name) }
        let readiness = ServerReadiness()
        let ground = configuration.consul.isEnabled
            ? ConsulGround(registry: registry, configuration: configuration.consul) : nil
        let health = HealthMetrics(factory: factory)
        checks = configuration.health.isEnabled
            ? HealthChecks(
                registry: registry, configuration: configuration.health, aliases: ground.map(ConsulAliases.init),
                time: time, metrics: health, group: eventLoopGroup, logger: logger)
            : nil
        let answers = DerivedBudget(catalog: registry.catalog, bytesMax: configuration.answerBytesMax)
        let page = MetricsPage(factory: factory, answers: answers)
        let api = NativeAPI(
            registry: registry, page: page, readiness: readiness, defaultLease: configuration.defaultLease,
            checks: checks)
        let streams = EventStreams(
            catalog: registry.catalog, answers: answers, time: time, configuration: configuration.watches,
            metrics: WatchMetrics(factory: factory), route: routes[NativeRoute.watch.rawValue])
        let consul = ground.map { [checks] ground in
            let nodeChecks = checks.map {
                NodeChecks(nodes: ground.nodes, checks: $0, metrics: health, time: time, logger: logger)
            }
            return ConsulAPI(
                ground: ground, checks: checks, nodeChecks: nodeChecks, page: page, time: time, logger: logger)
        }
        self.consul = consul
        let native = NativeFastPath(
            registry: registry, streams: streams, limits: configuration.bodies, answers: answers, metrics: routes)
        let nativeRouter = NativeRouter(api: api, metrics: routes, logger: logger)
        let dialect = consul.map { ConsulDialect($0, answers: answers, metrics: metrics) }
        services = HTTPServices(
            limits: configuration.http.limits, fast: DialectFastPath(native: native, consul: dialect?.fast),
            ordinary: DialectRouter(native: nativeRouter, consul: dialect?.router), metrics: metrics)
        dns = DNSServing(
            catalog: registry.catalog, consul: consul, configuration: configuration, answers: answers, time: time,
            metrics: DNSMetrics(factory: factory))
        self.configuration = configuration.http
        self.readiness = readiness
        self.eventLoopGroup = eventLoopGroup
        self.onListening = onListening
        self.onListeningForDNS = onListeningForDNS
    }

    /// Serves until a graceful shutdown or until the task is cancelled. The registry stays open: it is the caller's.
    ///
    /// - Throws: ``HTTPListenerError`` or ``DNSListenerError`` when an address cannot be listened on.
    public func run() async throws {
        guard let eventLoopGroup else {
            let own = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoopCount)
            let result: Result<Void, any Error>
            do {
                result = .success(try await serve(on: own))
            } catch {
                result = .failure(error)
            }
            try? await own.shutdownGracefully()
            return try result.get()
        }
        try await serve(on: eventLoopGroup)
    }

    private func serve(on group: any EventLoopGroup) async throws {
        guard let dns else { return try await serve(on: group) {} }
        try await dns.serve(on: group, onListening: onListeningForDNS) { open in
            try await serve(on: group, prepare: open)
        }
    }

    /// Serves HTTP.
    ///
    /// - Parameter prepare: Called when the address is ours, before connections are accepted in earnest.
    private func serve(
        on group: any EventLoopGroup, prepare: @escaping @Sendable () async throws -> Void
    ) async throws {
        let listener = HTTPListener(
            configuration: configuration, group: group, services: services, onListening: onListening, prepare: prepare)
        try await withThrowingDiscardingTaskGroup { tasks in
            if let checks { tasks.addTask { await checks.run() } }
            if let consul { tasks.addTask { await consul.run() } }
            try await withTaskCancellationOrGracefulShutdownHandler {
                try await listener.run()
            } onCancelOrGracefulShutdown: { [readiness] in
                readiness.stop()
            }
            tasks.cancelAll()
        }
    }
}
