// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// Answers the queries that come in datagrams. One for each socket; on its event loop only.
final class DNSDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    private let dialect: DNSDialect
    private let metrics: DNSMetrics
    private var random = PickRandom(seed: .random(in: 0 ... .max))
    /// The answers of one batch, one after the other; used again once the kernel has taken them. They are cut out of it
    /// only when all of them are there: a buffer that a slice refers to is copied as a whole when it is written to.
    private var answers = ByteBuffer()
    private var clients: [SocketAddress] = []
    private var ends: [Int] = []
    private static let answersBytesMax = 128 * 1024

    init(dialect: DNSDialect, metrics: DNSMetrics) {
        self.dialect = dialect
        self.metrics = metrics
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let query = Self.unwrapInboundIn(data)
        let outcome = query.data.withUnsafeReadableBytes { bytes in
            dialect.answer(bytes, over: .udp, random: &random, into: &answers)
        }
        metrics.answered(outcome, over: .udp)
        guard outcome != nil else { return }
        clients.append(query.remoteAddress)
        ends.append(answers.writerIndex)
        if answers.writerIndex > Self.answersBytesMax { send(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { send(context) }

    private func send(_ context: ChannelHandlerContext) {
        for (client, end) in zip(clients, ends) {
            guard let answer = answers.readSlice(length: end - answers.readerIndex) else { continue }
            context.write(Self.wrapOutboundOut(AddressedEnvelope(remoteAddress: client, data: answer)), promise: nil)
        }
        context.flush()
        answers.clear()
        clients.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    /// Sending to a client may fail, because it is gone or out of reach; that is no reason to stop for the others.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
