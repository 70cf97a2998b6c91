// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// Answers the queries that come over one connection, each message after two bytes with its length (RFC 1035, section
/// 4.2.2), as many at a time as the client sends (RFC 7766, section 6.2.1.1).
final class DNSStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let dialect: DNSDialect
    private let metrics: DNSMetrics
    private let idleTime: TimeAmount
    private var memory = DNSDialect.Memory()
    /// What came and is no whole query yet: at most one message, of 65,537 bytes, and what came with its end.
    private var received = ByteBuffer()
    private var deadline: Scheduled<Void>?
    private var isClosing = false

    init(dialect: DNSDialect, metrics: DNSMetrics, idleTime: Duration) {
        self.dialect = dialect
        self.metrics = metrics
        self.idleTime = .nanoseconds(idleTime.wholeNanoseconds)
    }

    func channelActive(context: ChannelHandlerContext) {
        renewDeadline(context)
        context.fireChannelActive()
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        received.writeBuffer(&bytes)
        answerAll(context)
    }

    private func answerAll(_ context: ChannelHandlerContext) {
        var answers = context.channel.allocator.buffer(capacity: 0)
        // Beyond the mark, the queries wait until the client has read what it asked for.
        while context.channel.isWritable, !isClosing,
            let length = received.getInteger(at: received.readerIndex, as: UInt16.self),
            received.readableBytes >= 2 + Int(length)
        {
            received.moveReaderIndex(forwardBy: 2)
            guard let query = received.readSlice(length: Int(length)) else { break }
            let start = answers.writerIndex
            answers.writeInteger(UInt16(0))
            let outcome = query.withUnsafeReadableBytes { bytes in
                dialect.answer(bytes, over: .tcp, memory: &memory, into: &answers)
            }
            metrics.answered(outcome, over: .tcp)
            guard outcome != nil else {
                // Whoever sends what is no query over a connection is no client.
                answers.moveWriterIndex(to: start)
                isClosing = true
                break
            }
            answers.setInteger(UInt16(truncatingIfNeeded: answers.writerIndex - start - 2), at: start)
            if answers.readableBytes > Self.batchBytes {
                context.writeAndFlush(Self.wrapOutboundOut(answers), promise: nil)
                answers = context.channel.allocator.buffer(capacity: 0)
            }
            renewDeadline(context)
        }
        received.discardReadBytes()
        if answers.readableBytes > 0 { context.writeAndFlush(Self.wrapOutboundOut(answers), promise: nil) }
        if isClosing { context.close(promise: nil) }
    }

    private static let batchBytes = 64 * 1024

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            answerAll(context)
            context.read()
        }
        context.fireChannelWritabilityChanged()
    }

    /// Reading goes on only while the client takes its answers.
    func channelReadComplete(context: ChannelHandlerContext) {
        if context.channel.isWritable { context.read() }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client said that it has no more queries; the server, that it ends. What was asked is answered by now.
        if event is ChannelShouldQuiesceEvent || (event as? ChannelEvent) == .inputClosed {
            isClosing = true
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    private func renewDeadline(_ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: idleTime) { channel.close(promise: nil) }
    }
}
