// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// A self-signed certificate, made for one test by the program `openssl`, in a folder that is removed with this object.
final class SelfSigned: Sendable {
    private let folder: URL

    /// - Parameter names: Such as `IP:127.0.0.1`.
    init(for names: String) throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "rollcall-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=rollcall test", "-addext", "subjectAltName=\(names)",
            "-keyout", keyPath, "-out", path,
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    struct Failed: Error {
        let status: Int32
    }

    var path: String { folder.appending(path: "certificate.pem").path() }
    var keyPath: String { folder.appending(path: "key.pem").path() }

    func serverContext() throws -> NIOSSLContext {
        let chain = try NIOSSLCertificate.fromPEMFile(path).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(file: keyPath, format: .pem)
        return try NIOSSLContext(
            configuration: .makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key)))
    }
}

/// Ends TLS in front of a server without it, as a proxy does.
struct TLSFront: Sendable {
    let port: Int
    private let channel: any Channel

    init(_ certificate: SelfSigned, to port: Int) async throws {
        let context = try certificate.serverContext()
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                // The client's bytes are read only when the server is there to take them.
                ClientBootstrap(group: child.eventLoop).connect(host: "127.0.0.1", port: port).flatMapThrowing { peer in
                    try child.pipeline.syncOperations.addHandlers(NIOSSLServerHandler(context: context), Glue(to: peer))
                    try peer.pipeline.syncOperations.addHandler(Glue(to: child))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = channel.localAddress?.port ?? 0
    }

    func stop() async throws { try await channel.close() }
}

/// Passes what one channel reads on to the other.
private final class Glue: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let peer: any Channel

    init(to peer: any Channel) {
        self.peer = peer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        peer.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) { peer.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
