// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore

/// Stands before the HTTP decoder: tells the connection when bytes come, and keeps from the decoder what it need not
/// read.
final class InboundMeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: HTTPConnectionHandler

    init(connection: HTTPConnectionHandler) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data)
        guard connection.received(bytes) else { return }
        connection.account.willDecode()
        context.fireChannelRead(data)
        connection.decoded(bytes)
    }
}
