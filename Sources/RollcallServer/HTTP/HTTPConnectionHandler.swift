// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1
internal import Rollcall

/// The I/O shell around a `ConnectionMachine`: the last handler of an HTTP/1 connection's pipeline.
///
/// Requests come in as parts of NIO's decoder; answers leave as bytes. All state belongs to the connection's event
/// loop.
final class HTTPConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What came while an earlier request was being answered.
    enum Waiting {
        case part(HTTPServerRequestPart)
        case failure(Rejection)
    }

    /// The request that is being read or answered.
    struct Current {
        var head: HTTPRequestHead
        var facts: RequestFacts
        var plan: RequestPlan
        var body: ByteBuffer?
        var startedAt: Instant
    }

    let services: HTTPServices
    let loop: LoopLocal
    var machine: ConnectionMachine
    var current: Current?
    var context: ChannelHandlerContext?
    /// Bytes ever written to the channel.
    var writtenBytes = 0

    // Ordinary requests
    /// Counts ordinary requests, so that what a finished one still does is told apart.
    var exchangeNumber = 0
    var task: Task<Void, Never>?
    var hasWrittenHead = false
    var bodyIsChunked = false
    /// Whether the answer has a body on the wire: not to HEAD, and not with 204 or 304.
    var bodyIsSent = false

    // Repeated requests
    var account = DecoderAccount()
    /// The head of a request that was answered at once, until it is known whether it stood alone.
    var repeatable: HTTPRequestHead?

    // Held requests
    var held: (request: any HeldRequest, exchange: HeldExchange)?
    var heldWasUnwritable = false

    var waiting = CircularBuffer<Waiting>(initialCapacity: 0)
    var readIsPending = false
    /// Fast answers since the last flush.
    var batch: ByteBuffer?
    var timer: NIOScheduledCallback?
    var timerAt = Instant.distantFuture
    /// Over the limit of connections: answer with 503 whatever is asked.
    let isRefused: Bool
    private var isDraining = false
    static let batchBytesMax = 64 * 1024

    init(services: HTTPServices, loop: LoopLocal, now: Instant, isRefused: Bool = false) {
        self.services = services
        self.loop = loop
        self.isRefused = isRefused
        self.machine = ConnectionMachine(limits: services.limits, now: now)
    }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    private var canProceed: Bool { machine.acceptsParts && isWritable }
}

// MARK: - Channel events

extension HTTPConnectionHandler {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { opened(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        closed()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) { opened(context) }

    func channelInactive(context: ChannelHandlerContext) { closed() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = Self.unwrapInboundIn(data)
        if waiting.isEmpty && canProceed {
            process(part, context: context)
        } else if !machine.dropsInput {
            account.loseTrack()
            waiting.append(.part(part))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flushBatch(context: context)
        armTimer(context: context)
    }

    func read(context: ChannelHandlerContext) {
        // While an answer is being made nothing more is taken from the client: a pipelining one waits in the kernel.
        // The end of its stream is noticed all the same.
        if waiting.isEmpty && (canProceed || machine.phase == .lingering) {
            context.read()
        } else {
            readIsPending = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        noteOutput(context: context)
        guard context.channel.isWritable else {
            heldWasUnwritable = held != nil
            return
        }
        if heldWasUnwritable {
            heldWasUnwritable = false
            held?.request.becameWritable()
        }
        resume(context: context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: inputEnded(context: context)
        case is ChannelShouldQuiesceEvent: stop(context: context)
        case is HTTPDrainTimeIsOver: abandonRequest()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        account.loseTrack()
        guard let error = error as? HTTPParserError else {
            close(context: context)
            return
        }
        let rejection: Rejection =
            switch error {
            case .headerOverflow: .headTooLarge
            case .invalidVersion: .unsupportedVersion
            default: .malformed
            }
        if waiting.isEmpty && canProceed {
            reject(rejection, context: context)
        } else if !machine.dropsInput {
            waiting.append(.failure(rejection))
        }
    }
}

// MARK: - Requests

extension HTTPConnectionHandler {
    private func process(_ part: HTTPServerRequestPart, context: ChannelHandlerContext) {
        switch part {
        case .head(let head): receivedHead(head, context: context)
        case .body(let bytes): receivedBody(bytes, context: context)
        case .end: receivedEnd(context: context)
        }
    }

    private func receivedHead(_ head: HTTPRequestHead, context: ChannelHandlerContext) {
        let now = context.eventLoop.instant
        let facts = RequestFacts(head)
        account.sawHead(bodyBytes: facts.isChunked ? nil : facts.contentLength ?? 0)
        current = Current(head: head, facts: facts, plan: .withBody(bytesMax: 0), startedAt: now)
        if let rejection = machine.receivedHead(facts, now: now) {
            reject(rejection, context: context)
            return
        }
        let plan = services.fast.plan(for: head, on: context.eventLoop)
        current?.plan = plan
        guard facts.hasBody else { return }
        guard machine.limitBody(to: plan.bodyBytesMax, announced: facts.contentLength) else {
            reject(.bodyTooLarge, context: context)
            return
        }
        if facts.awaitsContinue {
            flushBatch(context: context)
            write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"), context: context)
            context.flush()
        }
    }

    private func receivedBody(_ bytes: ByteBuffer, context: ChannelHandlerContext) {
        guard machine.receivedBody(bytes.readableBytes) else {
            reject(.bodyTooLarge, context: context)
            return
        }
        guard case .some(.none) = current?.body else {
            var bytes = bytes
            current?.body?.writeBuffer(&bytes)
            return
        }
        current?.body = bytes
    }

    private func receivedEnd(context: ChannelHandlerContext) {
        guard let current else { return }
        account.sawEnd()
        switch current.plan {
        case .answer(let answer):
            machine.receivedEnd(heldByOther: false)
            if Self.isPlain(current.facts) { repeatable = current.head }
            answerFast(answer, current, context: context)
        case .withBody:
            machine.receivedEnd(heldByOther: false)
            let answer = services.fast.respond(
                to: current.head, body: current.body ?? ByteBuffer(), on: context.eventLoop)
            guard let answer else {
                flushBatch(context: context)
                startOrdinary(current, context: context)
                return
            }
            answerFast(answer, current, context: context)
        case .ordinary:
            machine.receivedEnd(heldByOther: false)
            flushBatch(context: context)
            startOrdinary(current, context: context)
        case .hold(let request):
            machine.receivedEnd(heldByOther: true)
            flushBatch(context: context)
            // Sending earlier answers may have shown that the client is gone: nobody would end what began now.
            guard machine.phase == .holding else { return }
            let exchange = HeldExchange(connection: self, eventLoop: context.eventLoop)
            held = (request, exchange)
            // What was flushed just now may have filled the socket.
            heldWasUnwritable = !isWritable
            services.metrics.heldRequestStarted()
            request.begin(exchange)
        }
    }

    private func answerFast(_ answer: FastAnswer, _ current: Current, context: ChannelHandlerContext) {
        let now = context.eventLoop.instant
        append(
            answer, now: now, connectionLine: connectionLine(current.facts), headOnly: current.facts.isHead,
            context: context)
        answer.route?.record(
            status: answer.response.status, nanoseconds: now.nanoseconds &- current.startedAt.nanoseconds)
        answered(context: context)
    }

    /// What an answer has to say about the connection: nothing as long as it goes on, in HTTP/1.1.
    func connectionLine(_ facts: RequestFacts) -> StaticString? {
        if !machine.keepsAlive { return "connection: close\r\n" }
        return facts.confirmsKeepAlive ? "connection: keep-alive\r\n" : nil
    }

    /// The current request is answered. The caller looks at what waits.
    func answered(context: ChannelHandlerContext) {
        current = nil
        // Sending the answer may have shown that the client is gone.
        guard machine.phase != .closed else { return }
        if machine.answered(now: context.eventLoop.instant) {
            if machine.inputHasEnded && waiting.isEmpty { finishOutput(context: context) }
        } else {
            finishOutput(context: context)
        }
    }

    /// Goes on with what has come while it could not be looked at.
    func resume(context: ChannelHandlerContext) {
        guard !isDraining else { return }
        isDraining = true
        while canProceed, let next = waiting.popFirst() {
            switch next {
            case .part(let part): process(part, context: context)
            case .failure(let rejection): reject(rejection, context: context)
            }
        }
        isDraining = false
        flushBatch(context: context)
        armTimer(context: context)
        if machine.acceptsParts && machine.inputHasEnded && waiting.isEmpty { finishOutput(context: context) }
        if readIsPending && waiting.isEmpty && (canProceed || machine.phase == .lingering) {
            readIsPending = false
            context.read()
        }
    }

    /// Answers with a problem, and ends the connection.
    func reject(_ rejection: Rejection, context: ChannelHandlerContext) {
        services.metrics.rejected(rejection)
        machine.linger(now: context.eventLoop.instant)
        var out = batch ?? ByteBuffer()
        batch = nil
        PreparedResponse(rejection.problem).write(
            to: &out, date: loop.dateLine(now: context.eventLoop.instant),
            connectionLine: "connection: close\r\n", headOnly: current?.facts.isHead ?? false)
        write(out, context: context)
        current = nil
        finishOutput(context: context)
    }
}

extension RequestPlan {
    fileprivate var bodyBytesMax: Int {
        switch self {
        case .ordinary(let bytesMax), .withBody(let bytesMax): bytesMax
        case .answer, .hold: 1024
        }
    }
}
