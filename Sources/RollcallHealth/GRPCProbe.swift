// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import NIOCore
internal import NIOHTTP2
internal import NIOPosix
internal import NIOSSL
public import Rollcall

/// Asks `grpc.health.v1.Health/Check` (the health checking protocol of gRPC) over a connection of its own: HTTP/2 with
/// prior knowledge, or over TLS.
public struct GRPCProbe: HealthProbe {
    private let group: any EventLoopGroup

    /// - Parameter group: Where connections are served; by default the one of the process.
    public init(group: (any EventLoopGroup)? = nil) {
        self.group = group ?? .singletonMultiThreadedEventLoopGroup
    }

    public func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult {
        guard case .grpc(let grpc) = check.kind else { return .wrongKind(check) }
        guard let target = CheckTarget(grpc.target, of: instance.registration) else { return .wrongTarget(grpc.target) }
        let subject = grpc.service.isEmpty ? "\(target)" : "\(target) of \(grpc.service)"
        let question = "gRPC health of \(subject)"
        do {
            let answer = try await ask(grpc, target, timeout: check.timeout)
            guard answer.status != .passing else {
                let service = grpc.service.isEmpty ? "" : "/\(grpc.service)"
                return CheckResult(.passing, "gRPC check \(target)\(service): success")
            }
            return CheckResult(answer.status, "\(question): \(answer.output)")
        } catch {
            return CheckResult(.critical, "\(question): \(explanation(of: error, timeout: check.timeout))")
        }
    }

    private func ask(_ grpc: GRPCCheck, _ target: CheckTarget, timeout: Duration) async throws -> CheckResult {
        let eventLoop = group.next()
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let answer = eventLoop.makePromise(of: CheckResult.self)
        let channel: any Channel
        let streams: NIOHTTP2Handler.StreamMultiplexer
        do {
            (channel, streams) = try await connect(grpc, target, eventLoop, answer, timeout)
        } catch {
            answer.fail(error)
            throw error
        }
        let timer = eventLoop.scheduleTask(deadline: deadline) { answer.fail(ProbeTimeout()) }
        channel.closeFuture.whenComplete { _ in answer.fail(GRPCFailure.closed) }
        let question = GRPCQuestion(
            service: grpc.service, authority: "\(target)", scheme: grpc.isSecure ? "https" : "http", timeout: timeout)
        streams.createStreamChannel { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandler(GRPCHealthHandler(question, answer))
            }
        }.whenFailure { answer.fail($0) }
        answer.futureResult.whenComplete { _ in
            timer.cancel()
            channel.close(promise: nil)
        }
        return try await withTaskCancellationHandler {
            try await answer.futureResult.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// The handlers are there before the first byte is: a server speaks at once.
    private func connect(
        _ grpc: GRPCCheck, _ target: CheckTarget, _ eventLoop: any EventLoop, _ answer: EventLoopPromise<CheckResult>,
        _ timeout: Duration
    ) async throws -> (any Channel, NIOHTTP2Handler.StreamMultiplexer) {
        try await ClientBootstrap(group: eventLoop).connectTimeout(TimeAmount(timeout))
            .connect(host: target.host, port: Int(target.port)) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if grpc.isSecure { try pipeline.addHandler(Self.tls(grpc, target)) }
                    let streams = try pipeline.configureHTTP2Pipeline(
                        mode: .client, connectionConfiguration: .init(), streamConfiguration: .init()
                    ) { stream in
                        // A server has nothing to ask.
                        stream.close()
                    }
                    try pipeline.addHandler(ConnectionErrorHandler(answer))
                    return (channel, streams)
                }
            }
    }

    private static func tls(_ grpc: GRPCCheck, _ target: CheckTarget) throws -> NIOSSLClientHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = ["h2"]
        if grpc.skipsVerification { configuration.certificateVerification = .none }
        let context = try NIOSSLContext(configuration: configuration)
        // An address is no server name (RFC 6066, section 3).
        let isAddress = (try? SocketAddress(ipAddress: target.host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : target.host)
    }
}

enum GRPCFailure: Error, CustomStringConvertible {
    case closed

    var description: String { "the connection was closed before an answer" }
}

/// Tells what went wrong with the connection, before it is closed for it.
private final class ConnectionErrorHandler: ChannelInboundHandler {
    typealias InboundIn = Any

    private let promise: EventLoopPromise<CheckResult>

    init(_ promise: EventLoopPromise<CheckResult>) {
        self.promise = promise
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
