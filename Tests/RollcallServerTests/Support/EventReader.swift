// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOHTTP1
import NIOPosix
import Rollcall

/// Reads server-sent events as any client does: line by line.
struct EventReader: Sendable {
    struct Event: Sendable {
        var name = ""
        var id: UInt64?
        var data = JSONValue.null
        /// A comment, when there is no event.
        var comment: String?
    }

    let status: Int
    let headers: HTTPHeaders
    private let channel: any Channel
    private let events: AsyncStream<Event>

    /// Opens a watch and waits for the head of the answer.
    static func open(
        _ server: RunningServer, _ query: String = "", lastEventID: String? = nil
    ) async throws -> EventReader {
        let (events, eventSink) = AsyncStream.makeStream(of: Event.self)
        let (heads, headSink) = AsyncStream.makeStream(of: HTTPResponseHead.self)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(LineHandler(headSink, eventSink))
                }
            }
            .connect(host: "127.0.0.1", port: server.port).get()
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/api/v1/watch\(query)")
        head.headers.add(name: "host", value: "x")
        if let lastEventID { head.headers.add(name: "last-event-id", value: lastEventID) }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        try await channel.writeAndFlush(HTTPClientRequestPart.end(nil)).get()
        var iterator = heads.makeAsyncIterator()
        let answer = await iterator.next()
        return EventReader(
            status: Int(answer?.status.code ?? 0), headers: answer?.headers ?? [:], channel: channel, events: events)
    }

    /// The next event or comment; `nil` at the end of the stream.
    func next() async -> Event? {
        var iterator = events.makeAsyncIterator()
        return await iterator.next()
    }

    /// Reads up to the end of the first snapshot.
    func readSnapshot() async {
        while let event = await next(), event.name != "synced" {}
    }

    func close() async throws { try await channel.close().get() }
}

private final class LineHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    private let heads: AsyncStream<HTTPResponseHead>.Continuation
    private let events: AsyncStream<EventReader.Event>.Continuation
    private var line: [UInt8] = []
    private var event = EventReader.Event()

    init(_ heads: AsyncStream<HTTPResponseHead>.Continuation, _ events: AsyncStream<EventReader.Event>.Continuation) {
        self.heads = heads
        self.events = events
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): heads.yield(head)
        case .body(let bytes):
            for byte in bytes.readableBytesView {
                if byte == UInt8(ascii: "\n") { endOfLine() } else { line.append(byte) }
            }
        case .end: events.finish()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        heads.finish()
        events.finish()
    }

    private func endOfLine() {
        let text = String(decoding: line, as: UTF8.self)
        line.removeAll(keepingCapacity: true)
        guard !text.isEmpty else {
            events.yield(event)
            event = EventReader.Event()
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.last.map { $0.hasPrefix(" ") ? String($0.dropFirst()) : String($0) } ?? ""
        switch parts.first ?? "" {
        case "": event.comment = value
        case "event": event.name = value
        case "id": event.id = UInt64(value)
        case "data": event.data = (try? JSONValue.parse(Array(value.utf8))) ?? .string("not JSON: \(value)")
        default: break
        }
    }
}
