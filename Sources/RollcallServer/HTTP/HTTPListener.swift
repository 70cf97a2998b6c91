// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import Rollcall
public import ServiceLifecycle

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What stands behind the connections of a server.
struct HTTPServices: Sendable {
    var limits: HTTPLimits
    var fast: any FastResponder
    var ordinary: any OrdinaryResponder
    var metrics: ServerMetrics
}

/// Accepts HTTP/1 connections until it is told to stop, then lets them end in order.
///
/// On graceful shutdown the listening socket is closed, idle connections are closed at once, requests in flight are
/// answered, and holders of connections are asked to end. What is not done after `HTTPLimits.drainTime` is cancelled,
/// and a little later cut off.
public final class HTTPListener: Service {
    private let configuration: HTTPServerConfiguration
    private let group: any EventLoopGroup
    private let services: HTTPServices
    private let prepare: @Sendable () async throws -> Void
    private let onListening: @Sendable (SocketAddress) -> Void

    /// - Parameter prepare: Called when the address is taken, before `onListening`; an error of it ends the listener.
    init(
        configuration: HTTPServerConfiguration, group: any EventLoopGroup, services: HTTPServices,
        onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in },
        prepare: @escaping @Sendable () async throws -> Void = {}
    ) {
        self.configuration = configuration
        self.group = group
        self.services = services
        self.prepare = prepare
        self.onListening = onListening
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: `HTTPListenerError` when the address cannot be listened on.
    public func run() async throws {
        let connections = ConnectionTable(countMax: services.limits.connectionCountMax, eventLoop: group.next())
        let listener = try await bind(connections)
        do {
            try await prepare()
        } catch {
            try? await listener.close().get()
            connections.closeAll()
            throw error
        }
        if let address = listener.localAddress { onListening(address) }
        await withTaskCancellationOrGracefulShutdownHandler {
            try? await listener.closeFuture.get()
        } onCancelOrGracefulShutdown: {
            listener.close(promise: nil)
        }
        await withTaskCancellationHandler {
            await connections.drain(for: services.limits.drainTime)
        } onCancel: {
            connections.closeAll()
        }
    }

    private func bind(_ connections: ConnectionTable) async throws -> any Channel {
        var locals: [ObjectIdentifier: NIOLoopBound<LoopLocal>] = [:]
        for loop in group.makeIterator() {
            locals[ObjectIdentifier(loop)] = try await loop.submit {
                NIOLoopBound(LoopLocal(), eventLoop: loop)
            }.get()
        }
        let (services, perLoop) = (services, locals)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: Int32(clamping: configuration.backlog))
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let local = perLoop[ObjectIdentifier(channel.eventLoop)]?.value ?? LoopLocal()
                    let isAdmitted = connections.add(channel)
                    services.metrics.connectionOpened()
                    channel.closeFuture.whenComplete { _ in
                        connections.remove(channel)
                        services.metrics.connectionClosed()
                    }
                    try channel.pipeline.syncOperations.addHTTPConnection(
                        services: services, loop: local, isRefused: !isAdmitted)
                }
            }
        do {
            return try await bootstrap.bind(host: configuration.host, port: configuration.port).get()
        } catch {
            throw HTTPListenerError(host: configuration.host, port: configuration.port, cause: error)
        }
    }
}

/// The server cannot listen where it was told to.
public struct HTTPListenerError: Error, CustomStringConvertible {
    /// Where it was to listen.
    public let host: String
    /// The port as configured; 0 asked for any.
    public let port: Int
    /// What the system said.
    public let cause: any Error

    public var description: String {
        switch (cause as? IOError)?.errnoCode {
        case EADDRINUSE: "port \(port) on \(host) is in use by another process"
        case EADDRNOTAVAIL: "\(host) is not an address of this machine"
        case EACCES, EPERM: "port \(port) on \(host) may not be listened on by this user"
        case let code?: "cannot listen on port \(port) of \(host): \(String(cString: strerror(code)))"
        case nil where cause is SocketAddressError.UnknownHost: "\(host) cannot be resolved"
        case nil: "cannot listen on port \(port) of \(host): \(cause)"
        }
    }
}

extension ChannelPipeline.SynchronousOperations {
    /// Sets up a server connection that speaks HTTP/1.
    func addHTTPConnection(services: HTTPServices, loop: LoopLocal, isRefused: Bool = false) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = services.limits.headBytesMax
        limits.maxHeaderListSize = services.limits.headBytesMax
        limits.maxHeaderFieldCount = services.limits.headerFieldCountMax
        let connection = HTTPConnectionHandler(
            services: services, loop: loop, now: eventLoop.instant, isRefused: isRefused)
        try addHandler(InboundMeter(connection: connection))
        try addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)))
        try addHandler(connection)
    }
}
