// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Scheduling checks")
struct CheckSchedulerTests {
    /// Runs checks whose answers take a time that the test chooses.
    private struct Rig {
        var scheduler: CheckScheduler
        var random = SeededGenerator(seed: 1)
        var now = Instant.zero
        var effects: [CheckEffect] = []
        var starts: [(at: Instant, attempt: CheckAttempt)] = []
        /// What is to be answered, and when.
        var answers: [(at: Instant, attempt: CheckAttempt)] = []

        init(_ configure: (inout CheckSchedulerConfiguration) -> Void = { _ in }) {
            var configuration = CheckSchedulerConfiguration()
            configure(&configuration)
            scheduler = CheckScheduler(configuration: configuration, now: .zero)
        }

        mutating func add(
            _ definition: CheckDefinition, _ status: HealthCheck.Status = .passing, isNew: Bool = false
        ) -> CheckHandle {
            scheduler.add(CheckTerms(definition), status: status, isNew: isNew, now: now, random: &random)
        }

        /// Advances in steps; `duration` says how long an attempt takes, `nil` that it hangs.
        mutating func run(
            until end: Instant, step: Duration = .milliseconds(20), duration: (CheckAttempt) -> Duration?
        ) {
            while now < end {
                now = now + step
                for answer in answers where answer.at <= now { finish(answer.attempt) }
                answers.removeAll { $0.at <= now }
                scheduler.advance(now: now, random: &random, into: &effects)
                take(duration)
            }
        }

        private mutating func finish(_ attempt: CheckAttempt) {
            scheduler.finished(attempt, CheckResult(.passing, "ok"), now: now, random: &random, into: &effects)
        }

        private mutating func take(_ duration: (CheckAttempt) -> Duration?) {
            for case .probe(let attempt) in effects {
                starts.append((now, attempt))
                if let duration = duration(attempt) { answers.append((now + duration, attempt)) }
            }
            effects.removeAll { if case .probe = $0 { true } else { false } }
        }
    }

    @Test("thousands of checks that are added at once spread over their interval, round after round")
    func spread() {
        var rig = Rig()
        for _ in 0 ..< 4000 { _ = rig.add(CheckDefinition(kind: .tcp(target: ""))) }
        rig.run(until: .zero + .seconds(40), step: .milliseconds(50)) { _ in .milliseconds(5) }
        for second in 1 ..< 39 {
            let count = rig.starts.count { $0.at >= .zero + .seconds(second) && $0.at < .zero + .seconds(second + 1) }
            #expect((330 ... 470).contains(count), "second \(second)")
        }
    }

    @Test("new checks are asked within a second, and find phases of their own")
    func newChecks() {
        var rig = Rig { $0.concurrency = 2000 }
        for _ in 0 ..< 1000 { _ = rig.add(CheckDefinition(kind: .tcp(target: "")), .critical, isNew: true) }
        rig.run(until: .zero + .seconds(30)) { _ in .milliseconds(5) }
        #expect(Set(rig.starts.filter { $0.at <= .zero + .milliseconds(1040) }.map(\.attempt.check)).count == 1000)
        for second in 12 ..< 29 {
            let count = rig.starts.count { $0.at >= .zero + .seconds(second) && $0.at < .zero + .seconds(second + 1) }
            #expect((60 ... 140).contains(count), "second \(second)")
        }
    }

    @Test("targets that hang are given up at their time-out and leave half of the slots to the others")
    func hanging() {
        var rig = Rig { $0.concurrency = 8 }
        var hanging: Set<CheckHandle> = []
        for _ in 0 ..< 100 { hanging.insert(rig.add(CheckDefinition(kind: .tcp(target: "")))) }
        var healthy: Set<CheckHandle> = []
        for _ in 0 ..< 100 { healthy.insert(rig.add(CheckDefinition(kind: .tcp(target: "")))) }
        rig.run(until: .zero + .seconds(200)) { hanging.contains($0.check) ? nil : .milliseconds(5) }

        let given = rig.effects.compactMap { effect -> String? in
            if case .record(let check, .critical, let output) = effect, hanging.contains(check) { return output }
            return nil
        }
        #expect(!given.isEmpty)
        #expect(Set(given) == ["no answer within 5 s"])
        // Once it is known which ones hang, the others run as if those were not there: a round takes 10 to 11 s.
        let late = rig.starts.filter { $0.at >= .zero + .seconds(100) && healthy.contains($0.attempt.check) }
        let rounds = Dictionary(grouping: late, by: \.attempt.check).mapValues(\.count)
        #expect(rounds.count == 100)
        #expect(rounds.values.allSatisfy { $0 >= 8 })
        #expect(rig.scheduler.running <= 8)
    }

    @Test("a reported check expires once, comes back with a report, and is not asked")
    func reported() {
        var rig = Rig()
        let check = rig.add(CheckDefinition(kind: .ttl(.seconds(30))))
        rig.run(until: .zero + .seconds(29)) { _ in nil }
        #expect(rig.effects.isEmpty)
        rig.scheduler.reported(check, CheckResult(.passing, "fine"), now: rig.now, into: &rig.effects)
        #expect(rig.effects == [.refresh(check, output: "fine")])
        rig.run(until: .zero + .seconds(58)) { _ in nil }
        #expect(rig.effects.count == 1)
        rig.run(until: .zero + .seconds(600)) { _ in nil }
        #expect(rig.effects.dropFirst() == [.record(check, .critical, output: "TTL expired")])
        rig.scheduler.reported(check, CheckResult(.warning, "w"), now: rig.now, into: &rig.effects)
        #expect(rig.scheduler.status(of: check) == .warning)
        #expect(rig.starts.isEmpty)
    }

    @Test("an instance whose check stays critical is deregistered, and again until it is gone")
    func deregistration() {
        var rig = Rig()
        var definition = CheckDefinition(kind: .ttl(.seconds(10)))
        definition.deregisterAfter = .seconds(60)
        let check = rig.add(definition)
        rig.run(until: .zero + .seconds(69)) { _ in nil }
        #expect(!rig.effects.contains(.deregister(check)))
        rig.run(until: .zero + .seconds(85)) { _ in nil }
        #expect(rig.effects.count { $0 == .deregister(check) } == 2)
        rig.scheduler.remove(check, into: &rig.effects)
        rig.effects = []
        rig.run(until: .zero + .seconds(200)) { _ in nil }
        #expect(rig.effects.isEmpty)
    }

    @Test("a check that recovers before its time is not deregistered")
    func recovered() {
        var rig = Rig()
        var definition = CheckDefinition(kind: .ttl(.seconds(10)))
        definition.deregisterAfter = .seconds(60)
        let check = rig.add(definition)
        rig.run(until: .zero + .seconds(50)) { _ in nil }
        rig.scheduler.reported(check, CheckResult(.passing, ""), now: rig.now, into: &rig.effects)
        rig.run(until: .zero + .seconds(100)) { _ in nil }
        #expect(!rig.effects.contains(.deregister(check)))
    }

    @Test("a removed check keeps its slot until its round has ended, and its handle is nobody else's")
    func removal() {
        var rig = Rig { $0.concurrency = 1 }
        let first = rig.add(CheckDefinition(kind: .tcp(target: ""), timeout: .seconds(60)))
        rig.run(until: .zero + .seconds(11)) { _ in nil }
        #expect(rig.starts.count == 1)
        rig.scheduler.remove(first, into: &rig.effects)
        #expect(rig.effects == [.cancel(rig.starts[0].attempt)])
        let second = rig.add(CheckDefinition(kind: .tcp(target: ""), interval: .milliseconds(100)))
        rig.run(until: .zero + .seconds(12)) { _ in nil }
        #expect(rig.starts.count == 1)
        rig.scheduler.finished(
            rig.starts[0].attempt, CheckResult(.critical, "late"), now: rig.now, random: &rig.random,
            into: &rig.effects)
        guard case .probe(let next)? = rig.effects.last else {
            Issue.record("the slot was not given on")
            return
        }
        #expect(next.check == second)
        #expect(rig.scheduler.status(of: first) == nil)
        #expect(rig.scheduler.status(of: second) == .passing)
    }
}
