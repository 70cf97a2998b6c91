// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOEmbedded
import NIOHTTP1
import Rollcall

@testable import RollcallServer

/// What holds for a connection of the server whatever bytes come. The fuzzer and the tests ask the same.
///
/// It is the whole connection but for the routes that are asynchronous: decoder, limits, the order of requests, the
/// fast path, held requests. Requests of those routes are answered when their body is complete.
enum HTTPCheck {
    /// What does not hold for `bytes`: the first says how the rest is cut, the second what happens between the pieces.
    static func fault(in bytes: [UInt8]) -> String? {
        guard bytes.count > 2 else { return nil }
        let channel = EmbeddedChannel()
        let factory = PrometheusFactory()
        let responder = CheckedResponder(factory: factory)
        let services = HTTPServices(
            limits: HTTPLimits(), fast: responder, ordinary: responder, metrics: ServerMetrics(factory: factory))
        do {
            try channel.pipeline.syncOperations.addHTTPConnection(services: services, loop: LoopLocal())
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        } catch {
            return "no connection: \(error)"
        }
        let size = Int(bytes[0]) + 1
        var rest = bytes.dropFirst(2)
        while !rest.isEmpty, channel.isActive {
            // What a decoder throws has closed the connection, or will.
            _ = try? channel.writeInbound(ByteBuffer(bytes: rest.prefix(size)))
            rest = rest.dropFirst(size)
            channel.embeddedEventLoop.run()
        }
        return end(channel, by: bytes[1])
    }

    private static func end(_ channel: EmbeddedChannel, by choice: UInt8) -> String? {
        switch choice % 4 {
        case 0: channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case 1: channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case 2: channel.embeddedEventLoop.advanceTime(by: .seconds(5))
        default: break
        }
        channel.embeddedEventLoop.run()
        let sent = text(channel)
        guard sent.isEmpty || sent.starts(with: Array("HTTP/1.1 ".utf8)) else {
            return "what was sent is no answer: \(String(decoding: sent.prefix(100), as: UTF8.self))"
        }
        // Whatever came, a client that does nothing more is let go, unless it watches.
        let isWatching = channel.isActive && sent.contains("text/event-stream")
        channel.embeddedEventLoop.advanceTime(by: .seconds(300))
        if !isWatching, channel.isActive { return "the connection is open for ever" }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return nil
    }

    private static func text(_ channel: EmbeddedChannel) -> [UInt8] {
        var bytes: [UInt8] = []
        while let part = try? channel.readOutbound(as: ByteBuffer.self) { bytes += part.readableBytesView }
        return bytes
    }
}

extension [UInt8] {
    fileprivate func contains(_ text: String) -> Bool {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return false }
        return (0 ... count - wanted.count).contains { self[$0 ..< $0 + wanted.count].elementsEqual(wanted) }
    }
}
