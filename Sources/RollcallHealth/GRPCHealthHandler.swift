// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP2
internal import Rollcall

/// Sends one question on a stream and makes a result of what comes back. On the event loop of its stream.
final class GRPCHealthHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let question: GRPCQuestion
    private let promise: EventLoopPromise<CheckResult>
    private var answer = GRPCAnswer()

    init(_ question: GRPCQuestion, _ promise: EventLoopPromise<CheckResult>) {
        self.question = question
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.headers(.init(headers: question.headers))), promise: nil)
        let data = HTTP2Frame.FramePayload.Data(data: .byteBuffer(question.message), endStream: true)
        context.writeAndFlush(wrapOutboundOut(.data(data)), promise: nil)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let headers):
            answer.take(headers.headers)
            if headers.endStream { promise.succeed(answer.result) }
        case .data(let data):
            if case .byteBuffer(let bytes) = data.data { answer.take(bytes) }
            if data.endStream { promise.succeed(answer.result) }
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(GRPCFailure.closed)
        context.fireChannelInactive()
    }
}
