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
    /// Holds the answers of one batch, and is used again once the kernel has taken them.
    private var answers = ByteBuffer()
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
        guard outcome != nil, let answer = answers.readSlice(length: answers.readableBytes) else { return }
        context.write(
            Self.wrapOutboundOut(AddressedEnvelope(remoteAddress: query.remoteAddress, data: answer)), promise: nil)
        if answers.writerIndex > Self.answersBytesMax { answers = ByteBuffer() }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        context.flush()
        answers.clear()
    }

    /// Sending to a client may fail, because it is gone or out of reach; that is no reason to stop for the others.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
