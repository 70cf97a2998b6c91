// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore

/// Stands before the HTTP decoder: tells the connection when bytes come, and drops them once they are of no interest.
final class InboundMeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: HTTPConnectionHandler

    init(connection: HTTPConnectionHandler) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if connection.receivedBytes() { context.fireChannelRead(data) }
    }
}
