// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1
internal import Rollcall

/// Requests that came before, and are recognised by their bytes.
extension HTTPConnectionHandler {
    /// - Returns: Whether the bytes have to be decoded.
    func received(_ bytes: ByteBuffer) -> Bool {
        guard machine.phase == .idle, let context else { return !machine.dropsInput }
        let now = context.eventLoop.instant
        if account.isEmpty, !machine.isStopping, waiting.isEmpty, isWritable,
            let answer = loop.memo.recall(bytes)?()
        {
            answerRepeated(answer, startedAt: now, context: context)
            return false
        }
        machine.receivedBytes(now: now)
        return true
    }

    /// The decoder has told all that it found in `bytes`.
    func decoded(_ bytes: ByteBuffer) {
        let head = repeatable
        repeatable = nil
        guard bytes.withUnsafeReadableBytes({ account.decoded($0) }), let head else { return }
        loop.memo.note(bytes) { services.fast.repeated(head) }
    }

    private func answerRepeated(_ answer: FastAnswer, startedAt: Instant, context: ChannelHandlerContext) {
        let now = context.eventLoop.instant
        answer.route?.record(
            status: answer.response.status, nanoseconds: now.nanoseconds &- startedAt.nanoseconds)
        machine.answeredAtOnce(now: now)
        // The last thing that is done: when it is sent at once, more may be read, or the connection end, before this
        // returns.
        append(answer, now: now, connectionLine: nil, headOnly: false, context: context)
    }

    /// Adds a fast answer to those that are sent together.
    func append(
        _ answer: FastAnswer, now: Instant, connectionLine: StaticString?, headOnly: Bool,
        context: ChannelHandlerContext
    ) {
        var out = batch ?? loop.takeScratch()
        batch = nil
        answer.response.write(
            to: &out, date: loop.dateLine(now: now), connectionLine: connectionLine, headOnly: headOnly)
        machine.outputMayWait(now: now)
        services.metrics.answeredFast()
        if out.readableBytes >= Self.batchBytesMax {
            write(out, context: context)
            context.flush()
            loop.returnScratch(out)
        } else {
            batch = out
        }
    }

    /// The answer to it says nothing about the connection, and has the body that GET has.
    static func isPlain(_ facts: RequestFacts) -> Bool {
        facts.version11 && facts.keepsAlive && !facts.isHead && !facts.hasBody && facts.expectation == .none
    }
}
