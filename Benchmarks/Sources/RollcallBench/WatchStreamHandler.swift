// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore

/// Finds the events in a stream of a watch: nothing but the beginning of each line is looked at.
final class WatchStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let tally: WatchTally
    private var line: [UInt8] = []
    private static let interesting = 16
    private static let change = Array("event: change".utf8)
    private static let synced = Array("event: synced".utf8)
    private static let status = Array("HTTP/1.1 ".utf8)
    private static let good = Array("HTTP/1.1 200".utf8)

    init(_ tally: WatchTally) {
        self.tally = tally
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for byte in Self.unwrapInboundIn(data).readableBytesView {
            if byte == UInt8(ascii: "\n") {
                endOfLine()
            } else if line.count < Self.interesting {
                line.append(byte)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        tally.didFail("the server closed a watch")
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        tally.didFail("a watch failed: \(error)")
    }

    private func endOfLine() {
        if line.starts(with: Self.change) {
            tally.didArrive()
        } else if line.starts(with: Self.synced) {
            tally.didSync()
        } else if line.starts(with: Self.status), !line.starts(with: Self.good) {
            tally.didFail("a watch was answered \(String(decoding: line, as: UTF8.self))")
        }
        line.removeAll(keepingCapacity: true)
    }
}
