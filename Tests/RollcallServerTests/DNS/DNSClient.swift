// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOPosix
import RollcallDNS

/// Sends messages over sockets as they are, and gives back what comes.
enum DNSClient {
    /// Sends datagrams from one socket and waits for as many answers as are expected.
    static func datagrams(_ queries: [[UInt8]], expecting count: Int, port: Int) async throws -> [[UInt8]] {
        let server = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        let channel = try await DatagramBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<AddressedEnvelope<ByteBuffer>, AddressedEnvelope<ByteBuffer>>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            for query in queries {
                try await outbound.write(AddressedEnvelope(remoteAddress: server, data: ByteBuffer(bytes: query)))
            }
            var answers: [[UInt8]] = []
            guard count > 0 else { return answers }
            for try await answer in inbound {
                answers.append(Array(answer.data.readableBytesView))
                if answers.count == count { break }
            }
            return answers
        }
    }

    /// A connection to the server.
    struct Connection {
        let inbound: NIOAsyncChannelInboundStream<ByteBuffer>
        let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>

        func send(_ bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }
    }

    /// Runs `body` with a connection whose answers can be read one after the other, until `nil` at its end.
    static func connect<Value: Sendable>(
        port: Int, _ body: @Sendable (Connection, inout Answers) async throws -> Value
    ) async throws -> Value {
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
            var answers = Answers(inbound.makeAsyncIterator())
            return try await body(Connection(inbound: inbound, outbound: outbound), &answers)
        }
    }

    /// The messages that come over a connection.
    struct Answers {
        private var parts: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
        private var received = ByteBuffer()

        fileprivate init(_ parts: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator) {
            self.parts = parts
        }

        mutating func next() async throws -> Message? {
            while true {
                if let length = received.getInteger(at: received.readerIndex, as: UInt16.self),
                    received.readableBytes >= 2 + Int(length)
                {
                    received.moveReaderIndex(forwardBy: 2)
                    return try Message(parsing: received.readBytes(length: Int(length)) ?? [])
                }
                // A reset ends the answers like a close.
                guard let part = try? await parts.next(isolation: #isolation) else { return nil }
                received.writeImmutableBuffer(part)
            }
        }
    }

    static func query(_ name: String, _ type: RecordType, id: UInt16 = 1, payload: UInt16? = nil) -> [UInt8] {
        var query = Message(id: id, questions: [Question(name: DomainName(name) ?? .root, type: type)])
        query.edns = payload.map { ExtendedDNS(payloadSize: $0) }
        return query.encoded()
    }

    /// A message as it goes over a connection.
    static func framed(_ message: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: message.count >> 8), UInt8(truncatingIfNeeded: message.count)] + message
    }
}
