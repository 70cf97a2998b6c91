// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if GRPC

import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore

/// A gRPC server that answers each call with its name.
final class NameServer: Sendable {
    let name: String
    let port: UInt16
    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let serving: Task<Void, any Error>
    private let ends: AsyncStream<Void>

    static func start(_ name: String) async throws -> NameServer {
        let (ends, sink) = AsyncStream.makeStream(of: Void.self)
        let config = HTTP2ServerTransport.Posix.Config.defaults {
            $0.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
                channel.closeFuture.whenComplete { _ in sink.yield() }
                return channel.eventLoop.makeSucceededVoidFuture()
            }
        }
        let transport = HTTP2ServerTransport.Posix(
            address: .ipv4(host: "127.0.0.1", port: 0), transportSecurity: .plaintext, config: config)
        let server = GRPCServer(transport: transport, services: [NameService(name: name)])
        let serving = Task { try await server.serve() }
        let port = try await transport.listeningAddress.ipv4?.port ?? 0
        return NameServer(name, UInt16(port), server, serving, ends)
    }

    private init(
        _ name: String, _ port: UInt16, _ server: GRPCServer<HTTP2ServerTransport.Posix>,
        _ serving: Task<Void, any Error>, _ ends: AsyncStream<Void>
    ) {
        self.name = name
        self.port = port
        self.server = server
        self.serving = serving
        self.ends = ends
    }

    /// Waits until a connection to the server has ended. One task waits at a time.
    func connectionEnd() async {
        var ends = ends.makeAsyncIterator()
        await ends.next()
    }

    /// Answers the calls that came, and no more.
    func stop() async throws {
        server.beginGracefulShutdown()
        try await serving.value
    }
}

struct NameService: RegistrableRPCService {
    static let method = MethodDescriptor(fullyQualifiedService: "rollcall.test.Names", method: "Name")

    let name: String

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        router.registerHandler(forMethod: Self.method, deserializer: PlainText(), serializer: PlainText()) { _, _ in
            StreamingServerResponse(single: ServerResponse(message: name))
        }
    }
}

/// Messages that are text, as it is.
struct PlainText: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: String) throws -> Bytes { Bytes(message.utf8) }

    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> String {
        bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}

extension GRPCClient {
    /// - Returns: The name of the server that answered.
    func name(waitForReady: Bool? = nil) async throws -> String {
        var options = CallOptions.defaults
        options.timeout = .seconds(30)
        options.waitForReady = waitForReady
        return try await unary(
            request: ClientRequest(message: ""), descriptor: NameService.method, serializer: PlainText(),
            deserializer: PlainText(), options: options
        ) { response in
            try response.message
        }
    }
}

#endif
