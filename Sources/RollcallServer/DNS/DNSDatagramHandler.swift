// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// Answers the queries that come in datagrams. One for each socket; on its event loop only.
final class DNSDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let metrics: DNSMetrics
    private var batch: Batch

    init(dialect: DNSDialect, metrics: DNSMetrics) {
        self.metrics = metrics
        batch = Batch(dialect: dialect)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let query = Self.unwrapInboundIn(data)
        metrics.answered(batch.answer(query), over: .udp)
        if batch.isFull { send(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        while let answer = batch.next() { context.write(Self.wrapOutboundOut(answer), promise: nil) }
        context.flush()
        batch.clear()
    }

    /// The answers to what was read at once, one after the other in a buffer that is used again once the kernel has
    /// taken them. They are cut out of it only when all of them are there: a buffer that a slice refers to is copied as
    /// a whole when it is written to.
    private struct Batch {
        let dialect: DNSDialect
        private var memory = DNSDialect.Memory()
        private var answers = ByteBuffer()
        private var clients: [SocketAddress] = []
        private var ends: [Int] = []
        private var sent = 0
        private static let bytesMax = 128 * 1024

        init(dialect: DNSDialect) {
            self.dialect = dialect
        }

        var isFull: Bool { answers.writerIndex > Self.bytesMax }

        mutating func answer(_ query: AddressedEnvelope<ByteBuffer>) -> DNSDialect.Outcome? {
            let outcome = query.data.withUnsafeReadableBytes { bytes in
                dialect.answer(bytes, over: .udp, memory: &memory, into: &answers)
            }
            guard outcome != nil else { return nil }
            clients.append(query.remoteAddress)
            ends.append(answers.writerIndex)
            return outcome
        }

        /// The next answer to send.
        mutating func next() -> AddressedEnvelope<ByteBuffer>? {
            guard sent < clients.count, let answer = answers.readSlice(length: ends[sent] - answers.readerIndex) else {
                return nil
            }
            defer { sent += 1 }
            return AddressedEnvelope(remoteAddress: clients[sent], data: answer)
        }

        /// Forgets answers that were sent.
        mutating func clear() {
            answers.clear()
            clients.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            sent = 0
        }
    }

    /// Sending to a client may fail, because it is gone or out of reach; that is no reason to stop for the others.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
