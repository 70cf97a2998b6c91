// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOHTTP1
import Rollcall
import Testing

@testable import RollcallServer

@Suite("The decisions of a connection")
struct ConnectionMachineTests {
    private static let limits = HTTPLimits()
    private var now = Instant.zero
    private var machine = ConnectionMachine(limits: limits, now: .zero)

    static func facts(
        _ version: HTTPVersion = .http1_1, _ fields: [(String, String)] = [("host", "x")]
    ) -> RequestFacts {
        RequestFacts(HTTPRequestHead(version: version, method: .GET, uri: "/", headers: HTTPHeaders(fields)))
    }

    @Test("a connection goes from request to request, and each phase has its own deadline")
    mutating func phases() {
        #expect(machine.deadline == now + Self.limits.idleTimeMax)
        now = now + .seconds(5)
        machine.receivedBytes(now: now)
        #expect(machine.phase == .head)
        #expect(machine.deadline == now + Self.limits.headTimeMax)
        // More bytes of the same head give it no more time.
        machine.receivedBytes(now: now + .seconds(5))
        #expect(machine.deadline == now + Self.limits.headTimeMax)

        let refusal = machine.receivedHead(Self.facts(), now: now)
        #expect(refusal == nil)
        #expect(machine.phase == .body)
        #expect(machine.deadline == now + Self.limits.bodyTimeMax)
        machine.receivedEnd(heldByOther: false)
        #expect(!machine.acceptsParts)
        #expect(machine.deadline == .distantFuture)
        let goesOn = machine.answered(now: now)
        #expect(goesOn)
        #expect(machine.phase == .idle)
        #expect(machine.deadline == now + Self.limits.idleTimeMax)
    }

    @Test("what is due at a deadline depends on the phase")
    mutating func timers() {
        func fire(_ machine: ConnectionMachine, after time: Duration) -> ConnectionMachine.TimerVerdict {
            var machine = machine
            return machine.timerFired(written: 0, waiting: 0, now: now + time)
        }
        #expect(fire(machine, after: .seconds(74)) == .rearm(now + .seconds(75)))
        #expect(fire(machine, after: .seconds(75)) == .close)
        machine.receivedBytes(now: now)
        #expect(fire(machine, after: .seconds(10)) == .reject(.headTooSlow))
        _ = machine.receivedHead(Self.facts(), now: now)
        #expect(fire(machine, after: .seconds(30)) == .reject(.bodyTooSlow))
        machine.receivedEnd(heldByOther: true)
        #expect(fire(machine, after: .seconds(1_000_000)) == .rearm(.distantFuture))
        machine.linger(now: now)
        #expect(fire(machine, after: .seconds(2)) == .close)
    }

    @Test("an answer that the client is still taking ends neither by the idle nor by the linger time")
    mutating func slowReader() {
        for linger in [false, true] {
            var machine = machine
            if linger { machine.linger(now: now) }
            machine.outputWaits(written: 1000, waiting: 900, now: now)
            var waiting = 900
            var rounds = 0
            while waiting > 0 {
                waiting = max(0, waiting - 10)
                rounds += 1
                let verdict = machine.timerFired(written: 1000, waiting: waiting, now: machine.deadline)
                guard waiting > 0 else { break }
                guard case .rearm(let next) = verdict else {
                    Issue.record("\(verdict) with \(waiting) bytes to take")
                    return
                }
                #expect(next == machine.deadline)
            }
            #expect(rounds == 90)
            let end = machine.timerFired(written: 1000, waiting: 0, now: machine.deadline + .seconds(75))
            #expect(end == .close)
        }
    }

    @Test("a client that takes a byte now and then is not stalled, one that takes none is")
    mutating func stall() {
        machine.outputWaits(written: 100, waiting: 50, now: now)
        let first = now + Self.limits.stallTimeMax
        #expect(machine.deadline == first)
        // More output does not help it.
        machine.outputWaits(written: 200, waiting: 150, now: now + .seconds(30))
        #expect(machine.deadline == first)
        let verdicts = [first, first + Self.limits.stallTimeMax].map {
            machine.timerFired(written: 200, waiting: 149, now: $0)
        }
        #expect(verdicts == [.rearm(now + Self.limits.idleTimeMax), .stalled])
    }

    @Test("the head decides whether the connection goes on, and which requests are refused")
    func heads() {
        struct Case {
            var version: HTTPVersion
            var fields: [(String, String)]
            var keepsAlive: Bool
            var refusal: Rejection?
        }
        let cases = [
            Case(version: .http1_1, fields: [("Host", "x")], keepsAlive: true),
            Case(version: .http1_1, fields: [("host", "x"), ("Connection", "close")], keepsAlive: false),
            Case(version: .http1_0, fields: [], keepsAlive: false),
            Case(version: .http1_0, fields: [("connection", "keep-alive")], keepsAlive: true),
            Case(version: .http1_1, fields: [], keepsAlive: true, refusal: .badHost),
            Case(version: .http1_1, fields: [("host", "a"), ("HOST", "b")], keepsAlive: true, refusal: .badHost),
            Case(
                version: .http1_1, fields: [("host", "a"), ("Expect", "x")], keepsAlive: true,
                refusal: .unknownExpectation),
            Case(version: .http1_1, fields: [("host", "a"), ("Upgrade", "h2c")], keepsAlive: false),
            Case(version: .http2, fields: [("host", "a")], keepsAlive: false, refusal: .unsupportedVersion),
            Case(
                version: .init(major: 0, minor: 9), fields: [], keepsAlive: false, refusal: .unsupportedVersion),
        ]
        for test in cases {
            var machine = ConnectionMachine(limits: Self.limits, now: .zero)
            let refusal = machine.receivedHead(Self.facts(test.version, test.fields), now: .zero)
            #expect(refusal == test.refusal, "\(test)")
            if test.refusal != .unsupportedVersion { #expect(machine.keepsAlive == test.keepsAlive, "\(test)") }
        }
    }

    @Test("a stopping server closes what is idle, asks holders, and lets the rest finish")
    func stopping() {
        func stopped(waiting: Int = 0, _ prepare: (inout ConnectionMachine) -> Void) -> ConnectionMachine.StopVerdict {
            var machine = ConnectionMachine(limits: Self.limits, now: .zero)
            prepare(&machine)
            return machine.stop(waiting: waiting)
        }
        #expect(stopped { _ in } == .close)
        #expect(stopped(waiting: 10) { _ in } == .finishOutput)
        #expect(stopped { $0.receivedBytes(now: .zero) } == .finishAnswer)
        for isHeld in [false, true] {
            let verdict = stopped {
                _ = $0.receivedHead(Self.facts(), now: .zero)
                $0.receivedEnd(heldByOther: isHeld)
            }
            #expect(verdict == (isHeld ? .askHolder : .finishAnswer))
        }
        var machine = ConnectionMachine(limits: Self.limits, now: .zero)
        machine.receivedBytes(now: .zero)
        _ = machine.stop(waiting: 0)
        let refusal = machine.receivedHead(Self.facts(), now: .zero)
        #expect(refusal == nil)
        #expect(!machine.keepsAlive)
        machine.receivedEnd(heldByOther: false)
        let goesOn = machine.answered(now: .zero)
        #expect(!goesOn)
        #expect(machine.phase == .lingering)
    }

    @Test("a body is held against its limit by what is announced and by what comes")
    mutating func bodies() {
        _ = machine.receivedHead(Self.facts(), now: now)
        let announced = [machine.limitBody(to: 10, announced: 11), machine.limitBody(to: 10, announced: nil)]
        #expect(announced == [false, true])
        let received = [4, 6, 1].map { machine.receivedBody($0) }
        #expect(received == [true, true, false])
    }
}
