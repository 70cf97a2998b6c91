// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOHTTP1
internal import Rollcall

/// Requests that a route answers in a task of their own.
extension HTTPConnectionHandler {
    func startOrdinary(_ current: Current, context: ChannelHandlerContext) {
        guard let head = HTTPRequest(current.head) else {
            reject(.malformed, context: context)
            return
        }
        exchangeNumber += 1
        hasWrittenHead = false
        let request = Request(head: head, body: RequestBody(buffer: current.body ?? ByteBuffer()))
        let writer = OrdinaryWriter(
            connection: NIOLoopBound(self, eventLoop: context.eventLoop), eventLoop: context.eventLoop,
            exchangeNumber: exchangeNumber, isHead: current.facts.isHead)
        let responder = services.ordinary
        let channel = context.channel
        // The handle is kept: the task is cancelled when the client goes away, and when the server cannot wait for it.
        task = Task { await writer.run(responder, request, channel) }
    }

    /// Writes a part of an answer.
    ///
    /// - Parameters:
    ///   - head: The head, with the first part.
    ///   - body: The next bytes of the body.
    ///   - isComplete: Whether it is the last part.
    ///   - promise: Fulfilled when the client has taken the bytes.
    func writeOrdinary(
        _ number: Int, head: HTTPResponse?, body: ByteBuffer?, isComplete: Bool, promise: EventLoopPromise<Void>?
    ) {
        guard number == exchangeNumber, machine.phase == .answering, let context, let current else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        var out = ByteBuffer()
        if let head {
            writeHead(head, bodyBytes: isComplete ? body?.readableBytes ?? 0 : nil, current, to: &out)
        }
        if let body, body.readableBytes > 0, bodyIsSent {
            appendBody(body, isComplete: isComplete, to: &out, context: context)
        }
        if isComplete && bodyIsChunked && bodyIsSent { out.writeImmutableBuffer(StreamChunk.last) }
        write(out, context: context, promise: promise)
        context.flush()
        noteOutput(context: context)
        guard isComplete else { return }
        task = nil
        answered(context: context)
        resume(context: context)
    }

    /// The task of an ordinary request has ended. If its answer is not complete, something went wrong in it.
    func ordinaryEnded(_ number: Int) {
        guard number == exchangeNumber, machine.phase == .answering, let context else { return }
        task = nil
        if hasWrittenHead {
            close(context: context)
        } else {
            reject(.internalFailure, context: context)
        }
    }

    private func writeHead(
        _ head: HTTPResponse, bodyBytes: Int?, _ current: Current, to out: inout ByteBuffer
    ) {
        hasWrittenHead = true
        let allowsBody = PreparedResponse.allowsBody(head.status.code)
        bodyIsSent = allowsBody && !current.facts.isHead
        let announced = head.headerFields[.contentLength]
        bodyIsChunked = false
        out.reserveCapacity(512 + (bodyBytes ?? 0))
        out.writeStaticString("HTTP/1.1 ")
        out.writeString(String(head.status.code))
        out.writeStaticString(" ")
        let reason = head.status.reasonPhrase
        out.writeString(reason.isEmpty ? HTTPResponseStatus(statusCode: head.status.code).reasonPhrase : reason)
        out.writeStaticString("\r\n")
        for field in head.headerFields where !Self.ownFields.contains(field.name) {
            out.writeString(field.name.rawName)
            out.writeStaticString(": ")
            out.writeString(field.value)
            out.writeStaticString("\r\n")
        }
        if allowsBody {
            if current.facts.isHead || bodyBytes == nil, let announced {
                out.writeString("content-length: \(announced)\r\n")
            } else if let bodyBytes {
                out.writeString("content-length: \(bodyBytes)\r\n")
            } else if current.facts.version11 {
                bodyIsChunked = true
                out.writeStaticString("transfer-encoding: chunked\r\n")
            } else {
                machine.endAfterAnswer()
            }
        }
        if let context { out.writeImmutableBuffer(loop.dateLine(now: context.eventLoop.instant)) }
        if let line = connectionLine(current.facts) { out.writeStaticString(line) }
        out.writeStaticString("\r\n")
    }

    private func appendBody(
        _ body: ByteBuffer, isComplete: Bool, to out: inout ByteBuffer, context: ChannelHandlerContext
    ) {
        if bodyIsChunked {
            out.writeString(String(body.readableBytes, radix: 16) + "\r\n")
            out.writeImmutableBuffer(body)
            out.writeStaticString("\r\n")
        } else if body.readableBytes > Self.copiedBytesMax {
            write(out, context: context)
            out = body
        } else {
            out.writeImmutableBuffer(body)
        }
    }

    /// Larger bodies are written without being copied behind their head.
    private static let copiedBytesMax = 16 * 1024
    private static let ownFields: Set<HTTPField.Name> = [.contentLength, .transferEncoding, .connection, .date]
}

/// Answers a request in ordinary asynchronous code.
protocol OrdinaryResponder: Sendable {
    /// - Throws: Only what no route has turned into an answer: it becomes a 500.
    func respond(to request: Request, channel: any Channel) async throws -> Response
}

/// Brings the parts of an answer to the connection's event loop.
///
/// The first part is kept back until it is known whether there is a second: one part is one visit to the loop.
private struct OrdinaryWriter: ResponseBodyWriter, Sendable {
    let connection: NIOLoopBound<HTTPConnectionHandler>
    let eventLoop: any EventLoop
    let exchangeNumber: Int
    let isHead: Bool
    var head: HTTPResponse?
    var first: ByteBuffer?

    func run(_ responder: any OrdinaryResponder, _ request: Request, _ channel: any Channel) async {
        do {
            let response = try await responder.respond(to: request, channel: channel)
            var writer = self
            writer.head = response.head
            if isHead {
                if response.headers[.contentLength] == nil, let length = response.body.contentLength {
                    writer.head?.headerFields[.contentLength] = String(length)
                }
                try await writer.finish(nil)
            } else {
                try await response.body.write(writer)
            }
        } catch {
            // Seen as an answer that is not complete.
        }
        eventLoop.execute { connection.value.ordinaryEnded(exchangeNumber) }
    }

    mutating func write(_ buffer: ByteBuffer) async throws {
        if head != nil && first == nil {
            first = buffer
            return
        }
        if let kept = first {
            first = nil
            try await send(kept)
        }
        try await send(buffer)
    }

    private mutating func send(_ bytes: ByteBuffer) async throws {
        let head = head
        self.head = nil
        let (connection, eventLoop, number) = (connection, eventLoop, exchangeNumber)
        try await eventLoop.flatSubmit {
            let promise = eventLoop.makePromise(of: Void.self)
            connection.value.writeOrdinary(number, head: head, body: bytes, isComplete: false, promise: promise)
            return promise.futureResult
        }.get()
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        let (head, first, connection, number) = (head, first, connection, exchangeNumber)
        eventLoop.execute {
            connection.value.writeOrdinary(number, head: head, body: first, isComplete: true, promise: nil)
        }
    }
}

extension HTTPRequest {
    /// - Returns: nil for a head that this model cannot hold.
    fileprivate init?(_ head: HTTPRequestHead) {
        guard let method = HTTPRequest.Method(rawValue: head.method.rawValue), method != .connect else { return nil }
        var fields = HTTPFields()
        fields.reserveCapacity(head.headers.count)
        var authority: String?
        for (name, value) in head.headers {
            guard let name = HTTPField.Name(name) else { return nil }
            if name.canonicalName == "host" {
                authority = value
            } else {
                fields.append(HTTPField(name: name, value: value))
            }
        }
        self.init(
            method: method, scheme: "http", authority: authority, path: Self.path(head.uri), headerFields: fields)
    }

    /// The path and query of a request target, which may be a complete URI (RFC 9112 section 3.2.2).
    private static func path(_ target: String) -> String {
        guard !target.hasPrefix("/"), let scheme = target.firstRange(of: "://") else { return target }
        let rest = target[scheme.upperBound...]
        guard let slash = rest.firstIndex(of: "/") else { return "/" }
        return String(rest[slash...])
    }
}
