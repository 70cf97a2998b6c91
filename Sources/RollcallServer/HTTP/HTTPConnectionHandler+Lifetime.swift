// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// How a connection begins and ends, and what it does when time passes.
extension HTTPConnectionHandler {
    func opened(_ context: ChannelHandlerContext) {
        guard timer == nil else { return }
        if isRefused {
            reject(.tooManyConnections, context: context)
        }
        armTimer(context: context)
    }

    func closed() {
        guard machine.phase != .closed else { return }
        machine.close()
        timer?.cancel()
        timer = nil
        waiting.removeAll()
        batch = nil
        current = nil
        task?.cancel()
        task = nil
        endHeld(.clientClosed)
    }

    func inputEnded(context: ChannelHandlerContext) {
        switch machine.inputEnded(waiting: bufferedBytes(context)) {
        case .finishOutput:
            if waiting.isEmpty { finishOutput(context: context) }
        case .endHolder:
            endHeld(.clientClosed)
            close(context: context)
        case .close:
            close(context: context)
        case .finishAnswer, .ignore:
            break
        }
    }

    func stop(context: ChannelHandlerContext) {
        switch machine.stop(waiting: bufferedBytes(context)) {
        case .close: close(context: context)
        case .finishOutput: finishOutput(context: context)
        case .askHolder: held?.request.serverIsStopping()
        case .finishAnswer: break
        }
    }

    func abandonRequest() {
        task?.cancel()
        guard held != nil, let context else { return }
        endHeld(.serverStopped)
        close(context: context)
    }

    func endHeld(_ reason: HeldExchange.End) {
        guard let (request, exchange) = held else { return }
        held = nil
        exchange.detach()
        services.metrics.heldRequestEnded()
        request.ended(reason)
    }

    func write(_ bytes: ByteBuffer, context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
        writtenBytes &+= bytes.readableBytes
        context.write(Self.wrapOutboundOut(bytes), promise: promise)
    }

    /// Sends what the fast path has answered since the last time.
    func flushBatch(context: ChannelHandlerContext) {
        guard let bytes = batch else { return }
        batch = nil
        write(bytes, context: context)
        context.flush()
        loop.returnScratch(bytes)
    }

    /// No more answers: closes when all is sent. Until the client is done as well, what it sends is dropped.
    func finishOutput(context: ChannelHandlerContext) {
        flushBatch(context: context)
        context.flush()
        if machine.phase != .lingering { machine.linger(now: context.eventLoop.instant) }
        waiting.removeAll()
        if machine.inputHasEnded {
            let channel = context.channel
            context.write(Self.wrapOutboundOut(ByteBuffer())).assumeIsolated().whenComplete { _ in
                channel.close(promise: nil)
            }
            context.flush()
        } else {
            context.close(mode: .output, promise: nil)
            if readIsPending {
                readIsPending = false
                context.read()
            }
        }
        armTimer(context: context)
    }

    func close(context: ChannelHandlerContext) {
        context.close(promise: nil)
    }

    /// Tells the machine how much the client has still to take.
    func noteOutput(context: ChannelHandlerContext) {
        let waiting = bufferedBytes(context)
        machine.outputWaits(written: writtenBytes, waiting: waiting, now: context.eventLoop.instant)
        armTimer(context: context)
    }

    private func bufferedBytes(_ context: ChannelHandlerContext) -> Int {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}

// MARK: - Time

extension HTTPConnectionHandler {
    /// Makes sure that the timer fires at the machine's deadline or earlier. A later deadline does not move it: the
    /// busiest connection sets one only every few seconds.
    func armTimer(context: ChannelHandlerContext) {
        let deadline = machine.deadline
        guard deadline < timerAt else { return }
        timer?.cancel()
        timerAt = deadline
        let alarm = Alarm(connection: NIOLoopBound(self, eventLoop: context.eventLoop))
        timer = try? context.eventLoop.scheduleCallback(at: NIODeadline(deadline), handler: alarm)
    }

    private struct Alarm: NIOScheduledCallbackHandler, Sendable {
        let connection: NIOLoopBound<HTTPConnectionHandler>

        func handleScheduledCallback(eventLoop: some EventLoop) { connection.value.timerFired(eventLoop) }
    }

    private func timerFired(_ eventLoop: some EventLoop) {
        timerAt = .distantFuture
        guard let context, machine.phase != .closed else { return }
        let verdict = machine.timerFired(
            written: writtenBytes, waiting: bufferedBytes(context), now: eventLoop.instant)
        switch verdict {
        case .rearm:
            armTimer(context: context)
        case .close:
            close(context: context)
        case .reject(let rejection):
            reject(rejection, context: context)
        case .stalled:
            services.metrics.stalledReader()
            endHeld(.stalled)
            close(context: context)
        }
    }
}

/// Told to each connection when requests in flight have had their time after the server was stopped.
struct HTTPDrainTimeIsOver: Sendable {}
