// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOHPACK
import NIOHTTP2
import Rollcall
import Testing

@testable import RollcallHealth

@Suite("The gRPC probe")
struct GRPCProbeTests {
    /// What a server answers to a question.
    struct Answer: Sendable {
        var headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
        var data: [UInt8]?
        var trailers: HPACKHeaders? = ["grpc-status": "0"]

        static func status(_ status: UInt8) -> Answer { Answer(data: [0, 0, 0, 0, 2, 8, status]) }
    }

    private static func ask(
        isSecure: Bool = false, skipsVerification: Bool = false, service: String = "",
        timeout: Duration = .seconds(120), _ answer: @escaping @Sendable (_ service: String) -> Answer?
    ) async throws -> CheckResult {
        let tls = isSecure ? try TestCertificate.serverContext(protocols: ["h2"]) : nil
        let behaviour = TestServer.Behaviour.custom { channel in
            channel.configureHTTP2Pipeline(
                mode: .server, connectionConfiguration: .init(), streamConfiguration: .init()
            ) { stream in
                stream.eventLoop.makeCompletedFuture {
                    try stream.pipeline.syncOperations.addHandler(HealthService(answer))
                }
            }.map { _ in }
        }
        return try await TestServer.run(behaviour, tls: tls) { server in
            let grpc = GRPCCheck(service: service, isSecure: isSecure, skipsVerification: skipsVerification)
            let check = CheckDefinition(kind: .grpc(grpc), timeout: timeout)
            let result = await GRPCProbe().probe(check, of: server.instance(check))
            return CheckResult(result.status, result.output.replacing(":\(server.port)", with: ":PORT"))
        }
    }

    private static let question = "gRPC health of 127.0.0.1:PORT"
    private static let success = CheckResult(.passing, "gRPC check 127.0.0.1:PORT: success")

    @Test(
        "the serving status is the result",
        arguments: [(1, "SERVING"), (0, "UNKNOWN"), (2, "NOT_SERVING"), (3, "SERVICE_UNKNOWN")])
    func statuses(number: UInt8, name: String) async throws {
        let result = try await Self.ask { _ in .status(number) }
        let expected = number == 1 ? Self.success : CheckResult(.critical, "\(Self.question): \(name)")
        #expect(result == expected)
    }

    @Test("a service is asked for by its name, and refused by a status")
    func service() async throws {
        let known = try await Self.ask(service: "shop.Orders") { $0 == "shop.Orders" ? .status(1) : nil }
        #expect(known == CheckResult(.passing, "gRPC check 127.0.0.1:PORT/shop.Orders: success"))
        let unknown = try await Self.ask(service: "ghost") { _ in
            Answer(
                headers: [":status": "200", "grpc-status": "5", "grpc-message": "unknown service"], trailers: nil)
        }
        #expect(
            unknown == CheckResult(.critical, "\(Self.question) of ghost: gRPC status 5 NOT_FOUND: unknown service"))
    }

    @Test("an empty message is a status of zero, and what is no message is said to be none")
    func messages() async throws {
        let empty = try await Self.ask { _ in Answer(data: [0, 0, 0, 0, 0]) }
        #expect(empty.output == "\(Self.question): UNKNOWN")
        for data in [[], [1, 0, 0, 0, 2, 8, 1], [0, 0, 0, 0, 9, 8, 1], [0, 0, 0, 0, 2, 8, 0x80]] as [[UInt8]] {
            let broken = try await Self.ask { _ in Answer(data: data) }
            #expect(broken.output == "\(Self.question): the answer is not a HealthCheckResponse", "\(data)")
        }
        let extended = try await Self.ask { _ in Answer(data: [0, 0, 0, 0, 6, 0x12, 2, 9, 9, 8, 1]) }
        #expect(extended.status == .passing)
    }

    @Test("a server that does not speak gRPC is critical")
    func foreign() async throws {
        let web = try await Self.ask { _ in Answer(headers: [":status": "404"], trailers: nil) }
        #expect(web == CheckResult(.critical, "\(Self.question): HTTP status 404, this is not a gRPC server"))
        let check = CheckDefinition(kind: .grpc(GRPCCheck()), timeout: .seconds(120))
        let closed = try await TestServer.run(.close) { await GRPCProbe().probe(check, of: $0.instance(check)) }
        #expect(closed.status == .critical)
        let text = try await TestServer.run(.answer("HTTP/1.1 400 Bad Request\r\n\r\n")) {
            await GRPCProbe().probe(check, of: $0.instance(check))
        }
        #expect(text.status == .critical)
    }

    @Test("a server that hangs is given up at the time-out, and one that refuses at once")
    func hanging() async throws {
        // On a busy machine the time-out may be over before the connection is there.
        func isTimeout(_ output: String) -> Bool {
            output.hasSuffix(": no answer within 500 ms") || output.hasSuffix(": i/o timeout")
        }
        let stream = try await Self.ask(timeout: .milliseconds(500)) { _ in nil }
        #expect(stream.status == .critical)
        #expect(isTimeout(stream.output), "\(stream.output)")
        let check = CheckDefinition(kind: .grpc(GRPCCheck()), timeout: .milliseconds(500))
        try await TestServer.run(.hang) { server in
            let silent = await GRPCProbe().probe(check, of: server.instance(check))
            #expect(isTimeout(silent.output), "\(silent.output)")
        }
        let patient = CheckDefinition(kind: .grpc(GRPCCheck()), timeout: .seconds(120))
        await withRefusingPort { port in
            let refused = await GRPCProbe().probe(patient, of: sampleInstance(port: UInt16(port), patient))
            #expect(refused.output == "gRPC health of 127.0.0.1:\(port): dial tcp 127.0.0.1:\(port): connect: connection refused")
        }
    }

    @Test("TLS is spoken where it is asked for, and the certificate looked at")
    func secure() async throws {
        let lenient = try await Self.ask(isSecure: true, skipsVerification: true) { _ in .status(1) }
        #expect(lenient == Self.success)
        let strict = try await Self.ask(isSecure: true) { _ in .status(1) }
        #expect(strict.status == .critical)
        #expect(strict.output.contains("TLS"), "\(strict.output)")
    }
}

/// Answers one question on a stream.
private final class HealthService: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let answer: @Sendable (String) -> GRPCProbeTests.Answer?
    private var path: String?
    private var body = ByteBuffer()

    init(_ answer: @escaping @Sendable (String) -> GRPCProbeTests.Answer?) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let headers): path = headers.headers.first(name: ":path")
        case .data(let data):
            if case .byteBuffer(var bytes) = data.data { body.writeBuffer(&bytes) }
            if data.endStream { respond(context) }
        default: break
        }
    }

    private func respond(_ context: ChannelHandlerContext) {
        guard path == "/grpc.health.v1.Health/Check", let answer = answer(service) else { return }
        func write(_ payload: HTTP2Frame.FramePayload) { context.write(wrapOutboundOut(payload), promise: nil) }
        let isShort = answer.data == nil && answer.trailers == nil
        write(.headers(.init(headers: answer.headers, endStream: isShort)))
        if let data = answer.data {
            write(.data(.init(data: .byteBuffer(ByteBuffer(bytes: data)), endStream: answer.trailers == nil)))
        }
        if let trailers = answer.trailers { write(.headers(.init(headers: trailers, endStream: true))) }
        context.flush()
    }

    /// The frame is five bytes; then, unless the name is empty, a tag, a length and the name.
    private var service: String {
        var body = body
        body.moveReaderIndex(forwardBy: 5)
        guard body.readInteger(as: UInt8.self) == 0x0A, let length = body.readInteger(as: UInt8.self) else { return "" }
        return body.readString(length: Int(length)) ?? ""
    }
}
