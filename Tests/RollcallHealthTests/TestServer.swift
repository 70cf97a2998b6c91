// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOPosix
import NIOSSL
import Rollcall

/// A server on a free port that does one thing to everybody who connects.
struct TestServer: Sendable {
    enum Behaviour: Sendable {
        /// Takes connections and says nothing.
        case hang
        /// Closes each connection when the first bytes come.
        case close
        /// Answers with these bytes, and leaves the connection open.
        case answer(String)
        /// Answers with a head, and then with a byte whenever one was written, for ever.
        case endless(head: String)
        /// Does what the initializer makes of the channel.
        case custom(@Sendable (any Channel) -> EventLoopFuture<Void>)
    }

    let port: Int
    let channel: any Channel

    /// Runs `body` against a server, and ends it.
    static func run<Value: Sendable>(
        _ behaviour: Behaviour, tls: NIOSSLContext? = nil, _ body: (TestServer) async throws -> Value
    ) async throws -> Value {
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                }.flatMap {
                    if case .custom(let initialize) = behaviour { return initialize(channel) }
                    return channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(BehaviourHandler(behaviour))
                    }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(TestServer(port: channel.localAddress?.port ?? 0, channel: channel)))
        } catch {
            result = .failure(error)
        }
        try await channel.close()
        return try result.get()
    }

    /// An instance of this server that declares `check`.
    func instance(_ check: CheckDefinition) -> ServiceInstance {
        sampleInstance(port: UInt16(port), check)
    }
}

func sampleInstance(port: UInt16, _ check: CheckDefinition) -> ServiceInstance {
    let registration = Registration(service: "web", id: "web-1", host: "127.0.0.1", port: port, checks: [check])
    let time = WallTime(millisecondsSinceEpoch: 0)
    return ServiceInstance(
        registration: registration, incarnation: Incarnation(1), revision: Revision(1), registeredAt: time,
        changedAt: time)
}

private final class BehaviourHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let behaviour: TestServer.Behaviour
    private var hasAnswered = false

    init(_ behaviour: TestServer.Behaviour) {
        self.behaviour = behaviour
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasAnswered else { return }
        hasAnswered = true
        switch behaviour {
        case .hang, .custom: break
        case .close: context.close(promise: nil)
        case .answer(let text):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        case .endless(let head):
            context.write(wrapOutboundOut(ByteBuffer(string: head)), promise: nil)
            Self.pour(context.channel)
        }
    }

    private static func pour(_ channel: any Channel) {
        let part = ByteBuffer(repeating: UInt8(ascii: "x"), count: 4096)
        channel.writeAndFlush(part).whenSuccess { pour(channel) }
    }
}
