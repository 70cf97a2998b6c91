// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOHTTP1
import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("The decisions of a connection, by random events")
struct ConnectionMachinePropertyTests {
    /// Does what the shell does with the verdicts of a machine, and checks it at each step.
    private struct Shell {
        var machine: ConnectionMachine
        var now = Instant.zero
        var written = 0
        var waiting = 0
        var openRequests = 0
        var answers = 0
        let limits: HTTPLimits
        let seed: UInt64

        init(seed: UInt64) {
            limits = HTTPLimits()
            machine = ConnectionMachine(limits: limits, now: .zero)
            self.seed = seed
        }

        mutating func step(using random: inout SeededGenerator) {
            let stopped = machine.isStopping
            switch Int.random(in: 0 ..< 12, using: &random) {
            case 0 ... 4: input(using: &random)
            case 5, 6: answer(using: &random)
            case 7:
                waiting = Int.random(in: 0 ... waiting, using: &random)
                machine.outputWaits(written: written, waiting: waiting, now: now)
            case 8: pass(.milliseconds(Int.random(in: 0 ... 20_000, using: &random)))
            case 9 where !machine.inputHasEnded && Int.random(in: 0 ..< 5, using: &random) == 0: inputEnds()
            case 10 where !stopped && Int.random(in: 0 ..< 8, using: &random) == 0: stop()
            default: pass(.milliseconds(1))
            }
            check()
        }

        private mutating func input(using random: inout SeededGenerator) {
            guard !machine.inputHasEnded, machine.acceptsParts else { return }
            switch machine.phase {
            case .idle: machine.receivedBytes(now: now)
            case .head:
                var fields = [("host", "x")]
                if Int.random(in: 0 ..< 6, using: &random) == 0 { fields.append(("connection", "close")) }
                if Int.random(in: 0 ..< 20, using: &random) == 0 { fields = [] }
                if machine.receivedHead(ConnectionMachineTests.facts(.http1_1, fields), now: now) != nil {
                    machine.linger(now: now)
                } else {
                    _ = machine.limitBody(to: 50, announced: nil)
                }
            default:
                if Bool.random(using: &random), !machine.receivedBody(Int.random(in: 0 ... 20, using: &random)) {
                    machine.linger(now: now)
                } else {
                    machine.receivedEnd(heldByOther: Bool.random(using: &random))
                    openRequests += 1
                }
            }
        }

        mutating func answer(using random: inout SeededGenerator) {
            guard machine.phase == .answering || machine.phase == .holding else { return }
            openRequests -= 1
            answers += 1
            written += 500
            waiting += Int.random(in: 0 ... 500, using: &random)
            let promised = machine.keepsAlive
            let goesOn = machine.answered(now: now)
            #expect(goesOn == promised, "seed \(seed): the answer said otherwise")
            machine.outputWaits(written: written, waiting: waiting, now: now)
        }

        private mutating func inputEnds() {
            switch machine.inputEnded(waiting: waiting) {
            case .finishOutput: machine.linger(now: now)
            case .endHolder, .close: close()
            case .finishAnswer, .ignore: break
            }
        }

        private mutating func stop() {
            switch machine.stop(waiting: waiting) {
            case .close: close()
            case .finishOutput: machine.linger(now: now)
            case .askHolder, .finishAnswer: break
            }
        }

        mutating func pass(_ time: Duration) {
            let end = now + time
            while machine.deadline <= end, machine.phase != .closed {
                now = max(now, machine.deadline)
                fire()
            }
            now = end
        }

        private mutating func fire() {
            let before = machine.phase
            switch machine.timerFired(written: written, waiting: waiting, now: now) {
            case .rearm(let next):
                #expect(next > now, "seed \(seed): the timer would fire for ever in \(before)")
                #expect(next == machine.deadline, "seed \(seed)")
            case .close:
                #expect(before == .idle || before == .lingering, "seed \(seed): closed in \(before)")
                #expect(waiting == 0, "seed \(seed): closed with \(waiting) bytes to take")
                close()
            case .reject:
                #expect(before == .head || before == .body, "seed \(seed): rejected in \(before)")
                machine.linger(now: now)
            case .stalled:
                #expect(waiting > 0, "seed \(seed): stalled with nothing to take")
                close()
            }
        }

        private mutating func close() {
            machine.close()
            openRequests = 0
        }

        private func check() {
            #expect(openRequests <= 1, "seed \(seed): \(openRequests) requests open")
            let isOpen = machine.phase == .answering || machine.phase == .holding
            #expect((openRequests == 1) == isOpen, "seed \(seed): \(machine.phase)")
            switch machine.phase {
            case .idle, .head, .body, .lingering:
                #expect(machine.deadline > now && machine.deadline <= now + .seconds(75), "seed \(seed)")
            case .answering, .holding:
                #expect(machine.deadline == .distantFuture || waiting > 0, "seed \(seed)")
            case .closed:
                #expect(machine.deadline == .distantFuture, "seed \(seed)")
            }
            if machine.isStopping { #expect(machine.phase != .idle, "seed \(seed): idle while stopping") }
        }
    }

    @Test("never are two requests open, no phase is without an end, and what stands still ends", arguments: 0 ..< 20)
    func random(block: UInt64) {
        var answers = 0
        for seed in block * 100 ..< block * 100 + 100 {
            var random = SeededGenerator(seed: seed)
            var shell = Shell(seed: seed)
            for _ in 0 ..< 150 where shell.machine.phase != .closed { shell.step(using: &random) }
            // The server answers, and the client does nothing any more.
            shell.answer(using: &random)
            shell.pass(.seconds(300))
            #expect(shell.machine.phase == .closed, "seed \(seed): still \(shell.machine.phase)")
            answers += shell.answers
        }
        #expect(answers > 100)
    }
}
