// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// What the holder of an exchange makes the connection do.
extension HTTPConnectionHandler {
    func heldAnswer(_ answer: FastAnswer) {
        guard let context, let current else { return }
        let now = context.eventLoop.instant
        var out = ByteBuffer()
        answer.response.write(
            to: &out, date: loop.dateLine(now: now), connectionLine: connectionLine(current.facts),
            headOnly: current.facts.isHead)
        write(out, context: context)
        answer.route?.record(status: answer.response.status, nanoseconds: (now - current.startedAt).wholeNanoseconds)
        heldEnded(context: context)
    }

    func heldOpen(_ head: PreparedResponse, route: RouteMetrics?) {
        guard let context, let current else { return }
        let now = context.eventLoop.instant
        route?.record(status: head.status, nanoseconds: (now - current.startedAt).wholeNanoseconds)
        let isChunked = current.facts.version11
        // Without chunks the end of the connection is the end of the answer.
        if !isChunked { machine.endAfterAnswer() }
        var out = ByteBuffer()
        let chunked: StaticString = "transfer-encoding: chunked\r\n"
        let chunkedThenClose: StaticString = "transfer-encoding: chunked\r\nconnection: close\r\n"
        let line: StaticString =
            isChunked ? (machine.keepsAlive ? chunked : chunkedThenClose) : "connection: close\r\n"
        head.write(
            to: &out, date: loop.dateLine(now: now), connectionLine: line,
            headOnly: current.facts.isHead)
        write(out, context: context)
        if current.facts.isHead {
            guard let held else { return }
            held.exchange.detach()
            heldEnded(context: context)
            held.request.ended(.clientClosed)
        } else {
            context.flush()
            noteOutput(context: context)
        }
    }

    func heldWrite(_ chunk: StreamChunk) {
        guard let context, let current else { return }
        write(current.facts.version11 ? chunk.framed : chunk.payload, context: context)
        context.flush()
        noteOutput(context: context)
    }

    func heldFinish() {
        guard let context, let current else { return }
        if current.facts.version11 { write(StreamChunk.last, context: context) }
        heldEnded(context: context)
    }

    private func heldEnded(context: ChannelHandlerContext) {
        held = nil
        services.metrics.heldRequestEnded()
        context.flush()
        answered(context: context)
        resume(context: context)
    }
}
