// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOPosix

/// Bytes to a server and bytes back, without a client that would mend them.
enum RawConnection {
    /// Sends `bytes`, closes the sending side, and reads until the server closes.
    ///
    /// - Returns: What came back, cut at 16 MiB.
    static func exchange(_ bytes: [UInt8], port: Int) async throws -> String {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let configuration = NIOAsyncChannel<ByteBuffer, ByteBuffer>.Configuration(
                        isOutboundHalfClosureEnabled: true)
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel, configuration: configuration)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            // The server may have closed before everything was sent: what it said is read all the same.
            try? await outbound.write(ByteBuffer(bytes: bytes))
            outbound.finish()
            var received = ByteBuffer()
            do {
                for try await part in inbound where received.readableBytes < 1 << 24 {
                    received.writeImmutableBuffer(part)
                }
            } catch {
                // A reset after a refusal ends the answer like a close.
            }
            return String(buffer: received)
        }
    }

    static func exchange(_ text: String, port: Int) async throws -> String {
        try await exchange(Array(text.utf8), port: port)
    }

    /// The status of the first answer.
    static func status(_ text: String, port: Int) async throws -> Int? {
        status(of: try await exchange(text, port: port))
    }

    static func status(of reply: String) -> Int? {
        reply.hasPrefix("HTTP/1.1 ") ? Int(reply.dropFirst(9).prefix(3)) : nil
    }
}
