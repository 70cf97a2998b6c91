// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOPosix
internal import Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The sockets of the DNS dialect: one for connections and, for datagrams, one for each event loop, among which the
/// kernel divides the clients.
struct DNSListener: Sendable {
    private let configuration: DNSConfiguration
    private let dialect: DNSDialect
    private let metrics: DNSMetrics
    private let group: any EventLoopGroup

    init(
        configuration: DNSConfiguration, dialect: DNSDialect, metrics: DNSMetrics, group: any EventLoopGroup
    ) {
        self.configuration = configuration
        self.dialect = dialect
        self.metrics = metrics
        self.group = group
    }

    /// Sockets that are open.
    struct Sockets: Sendable {
        let address: SocketAddress?
        fileprivate let datagrams: [any Channel]
        fileprivate let listener: any Channel
        fileprivate let connections: ConnectionTable

        /// Answers nobody any more. Answers are given at once, so there is nothing under way to wait for.
        func close() async {
            for channel in datagrams + [listener] { try? await channel.close().get() }
            connections.closeAll()
        }
    }

    /// Begins to answer.
    ///
    /// - Throws: ``DNSListenerError`` when the address cannot be listened on.
    func open() async throws -> Sockets {
        var attempts = Self.freePortAttempts
        while true {
            do {
                return try await open(port: configuration.port)
            } catch {
                // A free port for connections is not always one for datagrams.
                attempts -= 1
                guard configuration.port == 0, attempts > 0 else {
                    throw DNSListenerError(host: configuration.host, port: configuration.port, cause: error)
                }
            }
        }
    }

    private static let freePortAttempts = 20

    private func open(port: Int) async throws -> Sockets {
        let connections = ConnectionTable(countMax: configuration.connectionCountMax, eventLoop: group.next())
        // First the one whose port nobody else can have: sockets for datagrams share theirs with those of other
        // processes of the same user.
        let listener = try await listen(port, connections)
        var datagrams: [any Channel] = []
        do {
            let port = listener.localAddress?.port ?? port
            for loop in group.makeIterator() { datagrams.append(try await bind(port, on: loop)) }
        } catch {
            for channel in datagrams + [listener] { try? await channel.close().get() }
            throw error
        }
        return Sockets(
            address: listener.localAddress, datagrams: datagrams, listener: listener, connections: connections)
    }

    private func listen(_ port: Int, _ connections: ConnectionTable) async throws -> any Channel {
        let (configuration, dialect, metrics) = (configuration, dialect, metrics)
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(
                .writeBufferWaterMark,
                value: ChannelOptions.Types.WriteBufferWaterMark(
                    low: configuration.unreadBytesMax / 4, high: configuration.unreadBytesMax))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let hasRoom = connections.add(channel)
                    metrics.connectionOpened()
                    channel.closeFuture.whenComplete { _ in
                        connections.remove(channel)
                        metrics.connectionClosed()
                    }
                    guard hasRoom else {
                        metrics.connectionRefused()
                        channel.close(promise: nil)
                        return
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        DNSStreamHandler(dialect: dialect, metrics: metrics, idleTime: configuration.idleTimeMax))
                }
            }
            .bind(host: configuration.host, port: port).get()
    }

    private func bind(_ port: Int, on loop: any EventLoop) async throws -> any Channel {
        let (dialect, metrics) = (dialect, metrics)
        return try await DatagramBootstrap(group: loop)
            .channelOption(.socket(SocketOptionLevel(SOL_SOCKET), SO_REUSEPORT), value: 1)
            .channelOption(.datagramVectorReadMessageCount, value: Self.datagramsPerRead)
            // One system call takes what is there; a second one would most often only learn that there is no more.
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: Self.datagramsPerRead * Self.queryBytesMax))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        DNSDatagramHandler(dialect: dialect, metrics: metrics))
                }
            }
            .bind(host: configuration.host, port: port).get()
    }

    private static let datagramsPerRead = 32
    /// A query has one name and some options; a longer datagram is cut and then malformed.
    private static let queryBytesMax = 1024
}

/// The server cannot answer DNS where it was told to.
public struct DNSListenerError: Error, CustomStringConvertible {
    /// Where it was to listen.
    public let host: String
    /// The port as configured; 0 asked for any.
    public let port: Int
    /// What the system said.
    public let cause: any Error

    public var description: String {
        "cannot listen for DNS on \(host):\(port): \(cause). Is another process using the port, or the address not "
            + "one of this machine's? dns.port chooses another port, and dns.enabled=false does without DNS"
    }
}
