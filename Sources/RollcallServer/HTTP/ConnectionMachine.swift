// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What one HTTP/1 connection may do next, and until when. Pure: it is told events and the time.
///
/// It keeps the order of a connection: one request at a time is read, answered and finished before the next is looked
/// at.
struct ConnectionMachine: Sendable {
    enum Phase: Hashable, Sendable {
        /// Between requests; nothing of the next was seen.
        case idle
        /// A part of a head has come.
        case head
        /// The head is complete, the end of the request is not here yet.
        case body
        /// The request is complete and its answer is not.
        case answering
        /// The answer is made by someone who holds the connection: an event stream, a parked poll.
        case holding
        /// The last answer is on its way; whatever still comes is dropped.
        case lingering
        case closed
    }

    enum StopVerdict: Hashable, Sendable {
        case close, finishOutput, askHolder, finishAnswer
    }

    enum InputEndVerdict: Hashable, Sendable {
        case finishOutput, endHolder, finishAnswer, close, ignore
    }

    enum TimerVerdict: Hashable, Sendable {
        /// Nothing is due; look again at this instant.
        case rearm(Instant)
        /// Close without an answer.
        case close
        /// Answer with a problem, then close.
        case reject(Rejection)
        /// The client takes nothing: cut it off.
        case stalled
    }

    private(set) var phase = Phase.idle
    /// Whether the connection goes on after the answer to the current request.
    private(set) var keepsAlive = true
    /// Whether the client has closed its sending side.
    private(set) var inputHasEnded = false
    private(set) var isStopping = false

    /// The time limits in nanoseconds: to make them out of a `Duration` at each request takes longer than all else
    /// here.
    private struct Spans: Sendable {
        let idle, head, body, stall, linger: Int64

        init(_ limits: HTTPLimits) {
            idle = limits.idleTimeMax.wholeNanoseconds
            head = limits.headTimeMax.wholeNanoseconds
            body = limits.bodyTimeMax.wholeNanoseconds
            stall = limits.stallTimeMax.wholeNanoseconds
            linger = limits.lingerTime.wholeNanoseconds
        }
    }

    private let spans: Spans
    private var phaseDeadline: Instant
    private var stallDeadline = Instant.distantFuture
    private var drainedBytes = 0
    private var bodyBytesMax = 0
    private var bodyBytes = 0

    init(limits: HTTPLimits, now: Instant) {
        spans = Spans(limits)
        phaseDeadline = now + limits.idleTimeMax
    }

    private func after(_ now: Instant, _ nanoseconds: Int64) -> Instant {
        let (sum, overflow) = now.nanoseconds.addingReportingOverflow(nanoseconds)
        return overflow ? .distantFuture : Instant(nanoseconds: sum)
    }

    /// When `timerFired` has something to say.
    var deadline: Instant { min(phaseDeadline, stallDeadline) }

    /// Whether parts of a request may be looked at now. If not, they wait.
    var acceptsParts: Bool {
        switch phase {
        case .idle, .head, .body: true
        case .answering, .holding, .lingering, .closed: false
        }
    }

    /// Whether parts that come now are of no interest any more.
    var dropsInput: Bool { phase == .lingering || phase == .closed }
}

// MARK: - A request

extension ConnectionMachine {
    mutating func receivedBytes(now: Instant) {
        guard phase == .idle else { return }
        phase = .head
        phaseDeadline = after(now, spans.head)
    }

    /// - Returns: Why the request cannot be served, or nil.
    mutating func receivedHead(_ facts: RequestFacts, now: Instant) -> Rejection? {
        precondition(acceptsParts && phase != .body, "a head came in phase \(phase)")
        phase = .body
        phaseDeadline = after(now, spans.body)
        keepsAlive = facts.keepsAlive && !isStopping
        bodyBytes = 0
        bodyBytesMax = 0
        guard facts.isSupported else { return .unsupportedVersion }
        if facts.version11 && facts.hostCount != 1 { return .badHost }
        if facts.expectation == .unknown { return .unknownExpectation }
        return nil
    }

    /// - Returns: Whether a body of the announced length is acceptable.
    mutating func limitBody(to bytesMax: Int, announced: Int?) -> Bool {
        bodyBytesMax = bytesMax
        return (announced ?? 0) <= bytesMax
    }

    /// - Returns: Whether the body is still within its limit.
    mutating func receivedBody(_ count: Int) -> Bool {
        bodyBytes += count
        return bodyBytes <= bodyBytesMax
    }

    mutating func receivedEnd(heldByOther: Bool) {
        precondition(phase == .body, "the end of a request came in phase \(phase)")
        phase = heldByOther ? .holding : .answering
        phaseDeadline = .distantFuture
    }

    /// The answer is complete.
    ///
    /// - Returns: Whether the connection takes another request.
    mutating func answered(now: Instant) -> Bool {
        precondition(phase == .answering || phase == .holding, "an answer ended in phase \(phase)")
        guard keepsAlive && !isStopping else {
            linger(now: now)
            return false
        }
        phase = .idle
        phaseDeadline = after(now, spans.idle)
        return true
    }

    /// A request that came in one piece was answered in the same moment.
    mutating func answeredAtOnce(now: Instant) {
        precondition(phase == .idle && !isStopping, "answered at once in phase \(phase)")
        phaseDeadline = after(now, spans.idle)
    }

    /// The last answer was given. A connection that was closed meanwhile stays so.
    mutating func linger(now: Instant) {
        guard phase != .closed else { return }
        phase = .lingering
        keepsAlive = false
        phaseDeadline = after(now, spans.linger)
    }

    /// The answer cannot say that the connection goes on: its end is the end of the connection.
    mutating func endAfterAnswer() { keepsAlive = false }

    mutating func close() {
        phase = .closed
        phaseDeadline = .distantFuture
        stallDeadline = .distantFuture
    }
}

// MARK: - The connection

extension ConnectionMachine {
    /// The client stops sending.
    ///
    /// - Parameter waiting: How many bytes of earlier answers the kernel has not taken yet.
    mutating func inputEnded(waiting: Int) -> InputEndVerdict {
        inputHasEnded = true
        switch phase {
        case .idle, .head, .body: return .finishOutput
        // A client that only stopped sending waits for the answer; that one is gone is noticed when it is written.
        case .answering: return .finishAnswer
        case .holding: return .endHolder
        case .lingering: return waiting > 0 ? .ignore : .close
        case .closed: return .ignore
        }
    }

    /// The server stops.
    ///
    /// - Parameter waiting: How many bytes of earlier answers the kernel has not taken yet.
    mutating func stop(waiting: Int) -> StopVerdict {
        isStopping = true
        keepsAlive = false
        switch phase {
        case .idle: return waiting > 0 ? .finishOutput : .close
        case .closed: return .close
        case .holding: return .askHolder
        case .head, .body, .answering, .lingering: return .finishAnswer
        }
    }

    /// Output is waiting for the client.
    ///
    /// - Parameters:
    ///   - written: All bytes ever written to the connection.
    ///   - waiting: How many of them the kernel has not taken yet.
    mutating func outputWaits(written: Int, waiting: Int, now: Instant) {
        let drained = written - waiting
        if waiting == 0 {
            stallDeadline = .distantFuture
        } else if stallDeadline == .distantFuture || drained > drainedBytes {
            stallDeadline = after(now, spans.stall)
        }
        drainedBytes = drained
    }

    /// A short answer is being sent, and nobody looks whether it is taken: the timer will. So a client that stops
    /// taking them is cut off between one and two stall times later.
    mutating func outputMayWait(now: Instant) {
        if stallDeadline == .distantFuture { stallDeadline = after(now, spans.stall) }
    }

    mutating func timerFired(written: Int, waiting: Int, now: Instant) -> TimerVerdict {
        outputWaits(written: written, waiting: waiting, now: now)
        if now >= stallDeadline { return .stalled }
        guard now >= phaseDeadline else { return .rearm(deadline) }
        switch phase {
        case .idle, .lingering:
            guard waiting > 0 else { return .close }
            // The client is still taking the last answer, however slowly: the stall deadline watches over that.
            phaseDeadline = after(now, phase == .idle ? spans.idle : spans.linger)
            return .rearm(deadline)
        case .head: return .reject(.headTooSlow)
        case .body: return .reject(.bodyTooSlow)
        case .answering, .holding, .closed: return .rearm(deadline)
        }
    }
}
