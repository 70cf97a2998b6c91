// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallCLI

/// Random numbers that a seed determines (SplitMix64: Steele, Lea, Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// What the effects of one run have done, and whether they were allowed to.
private struct Observer {
    var registrations = 0
    var isDeregistering = false
    var isChildSignalled = false
    var childCode: Int32?
    var wasNeverReady = false
    var exitCode: Int32?
    var violations: [String] = []

    mutating func observe(_ effects: [RunMachine.Effect]) {
        for effect in effects {
            if exitCode != nil { violations.append("\(effect) after the exit") }
            switch effect {
            case .register:
                registrations += 1
                if registrations > 1 { violations.append("a second registration") }
                if isChildSignalled || childCode != nil { violations.append("registered a command that is gone") }
            case .drain:
                if registrations == 0 || isDeregistering { violations.append("drained what is not registered") }
            case .deregister:
                if registrations == 0 || isDeregistering { violations.append("deregistered what is not registered") }
                isDeregistering = true
            case .abandonDeregistration:
                if !isDeregistering { violations.append("abandoned a deregistration that has not begun") }
            case .terminateChild, .killChild:
                if registrations > 0 && !isDeregistering { violations.append("\(effect) before the deregistration") }
                if childCode != nil { violations.append("\(effect) to a command that has ended") }
                if effect == .killChild && !isChildSignalled { violations.append("SIGKILL before SIGTERM") }
                isChildSignalled = true
            case .report(let notice):
                if case .notReady = notice { wasNeverReady = true }
            case .exit(let code):
                exitCode = code
                if registrations > 0 && !isDeregistering { violations.append("exit before the deregistration") }
                let expected = wasNeverReady ? RunMachine.notReadyCode : childCode ?? 137
                if code != expected { violations.append("exit with \(code) in place of \(expected)") }
            }
        }
    }
}

@Suite("RunMachine, random events")
struct RunMachinePropertyTests {
    @Test("keeps its laws through any sequence of events", arguments: 0 ..< 20)
    func laws(block: Int) {
        for seed in UInt64(block) * 500 ..< UInt64(block + 1) * 500 {
            let (violations, events) = run(seed: seed)
            #expect(violations.isEmpty, "seed \(seed): \(violations) after \(events)")
        }
    }

    private func run(seed: UInt64) -> (violations: [String], events: [RunMachine.Event]) {
        var random = SeededGenerator(state: seed)
        let configuration = RunMachine.Configuration(
            readyTimeout: .seconds(Int.random(in: 1 ... 60, using: &random)),
            drainWait: .seconds(Int.random(in: 0 ... 5, using: &random)),
            stopTimeout: .milliseconds(Int.random(in: 0 ... 10_000, using: &random)))
        var now = Instant.zero
        var machine = RunMachine(configuration: configuration, now: now)
        var observer = Observer()
        var events: [RunMachine.Event] = []

        func feed(_ event: RunMachine.Event) {
            events.append(event)
            if case .childExited(let exit) = event { observer.childCode = exit.code }
            observer.observe(machine.handle(event, now: now))
        }

        for _ in 0 ..< Int.random(in: 0 ... 12, using: &random) {
            now = now + .milliseconds(Int.random(in: 0 ... 7000, using: &random))
            switch Int.random(in: 0 ..< 12, using: &random) {
            case 0 ... 2: feed(.ready)
            case 3, 4: feed(.registered)
            case 5: feed(.deregistered)
            case 6 where observer.childCode == nil && observer.exitCode == nil:
                let exits: [ChildExit] = [.exited(0), .exited(5), .signalled(9), .signalled(15)]
                feed(.childExited(exits.randomElement(using: &random) ?? .exited(0)))
            case 7, 8: feed(.stopRequested)
            default: feed(.deadlineReached)
            }
        }
        // A stop is asked for, and neither the command nor the registry ever answers: only deadlines pass.
        feed(.stopRequested)
        var steps = 0
        while let deadline = machine.deadline, steps < 10 {
            now = max(now, deadline)
            feed(.deadlineReached)
            steps += 1
        }
        if observer.exitCode == nil { observer.violations.append("no exit after \(steps) deadlines") }
        return (observer.violations, events)
    }
}
