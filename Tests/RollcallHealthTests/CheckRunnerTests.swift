// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Synchronization
import Testing

@testable import RollcallHealth

/// Answers as the test says.
private final class ScriptedProbe: HealthProbe {
    private let result: Mutex<CheckResult>
    let asked = Mutex<[String]>([])

    init(_ result: CheckResult) {
        self.result = Mutex(result)
    }

    func say(_ result: CheckResult) { self.result.withLock { $0 = result } }

    func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult {
        asked.withLock { $0.append("\(instance.key) \(check.id) \(instance.port)") }
        return result.withLock { $0 }
    }
}

@Suite("Running checks", .timeLimit(.minutes(1)))
struct CheckRunnerTests {
    private static func instance(
        port: UInt16 = 80, incarnation: UInt64 = 1, _ checks: CheckDefinition...
    ) -> ServiceInstance {
        let registration = Registration(service: "web", id: "a", host: "h", port: port, checks: checks)
        let time = WallTime(millisecondsSinceEpoch: 0)
        let results = checks.map { HealthCheck(id: $0.id, status: $0.initialStatus, since: time) }
        return ServiceInstance(
            registration: registration, incarnation: Incarnation(incarnation), checks: results, revision: Revision(1),
            registeredAt: time, changedAt: time)
    }

    /// Runs `body` with a runner whose time it moves; it is given the findings of each batch.
    private static func run(
        _ probe: ScriptedProbe, _ body: (CheckRunner, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let runner = CheckRunner(probe: probe, time: .manual(clock))
        let running = Task { await runner.run() }
        try await body(runner, clock)
        running.cancel()
        await running.value
    }

    /// Lets time pass in small steps until there is a finding.
    private static func finding(_ runner: CheckRunner, _ clock: ManualClock) async -> [CheckFinding] {
        let mover = Task {
            while !Task.isCancelled {
                clock.advance(by: .milliseconds(100))
                await Task.yield()
            }
        }
        defer { mover.cancel() }
        for await _ in runner.findings {
            let findings = runner.takeFindings()
            if !findings.isEmpty { return findings }
        }
        return []
    }

    private static let check = CheckDefinition(kind: .tcp(target: ""))

    @Test("a transition is found once, with the life that it belongs to")
    func transition() async throws {
        let probe = ScriptedProbe(CheckResult(.passing, "fine"))
        try await Self.run(probe) { runner, clock in
            runner.follow(Self.instance(incarnation: 7, Self.check))
            let first = await Self.finding(runner, clock)
            #expect(first.map(\.action) == [.record(.passing, output: "fine")])
            #expect(first.map(\.incarnation) == [Incarnation(7)])
            probe.say(CheckResult(.critical, "broken"))
            let second = await Self.finding(runner, clock)
            #expect(second.map(\.action) == [.record(.critical, output: "broken")])
        }
    }

    @Test("an instance that moved is asked at its new address, and goes on with what is known")
    func moved() async throws {
        let probe = ScriptedProbe(CheckResult(.passing, "fine"))
        try await Self.run(probe) { runner, clock in
            runner.follow(Self.instance(Self.check))
            _ = await Self.finding(runner, clock)
            runner.follow(
                Self.instance(port: 81, Self.check).changed(
                    checks: [
                        HealthCheck(id: "tcp", status: .passing, since: WallTime(millisecondsSinceEpoch: 0))
                    ], revision: Revision(2), at: WallTime(millisecondsSinceEpoch: 0)))
            probe.say(CheckResult(.critical, "moved"))
            let next = await Self.finding(runner, clock)
            #expect(next.map(\.action) == [.record(.critical, output: "moved")])
            #expect(probe.asked.withLock { $0.last } == "web/a tcp 81")
        }
    }

    @Test("a check whose registration no longer declares it is not asked again")
    func dropped() async throws {
        let probe = ScriptedProbe(CheckResult(.passing, "fine"))
        try await Self.run(probe) { runner, clock in
            runner.follow(Self.instance(Self.check, CheckDefinition(id: "other", kind: .tcp(target: ":1"))))
            while probe.asked.withLock({ Set($0).count }) < 2 { _ = await Self.finding(runner, clock) }
            runner.follow(Self.instance(Self.check))
            probe.asked.withLock { $0 = [] }
            probe.say(CheckResult(.critical, "now"))
            let findings = await Self.finding(runner, clock)
            #expect(findings.map(\.checkID) == ["tcp"])
            #expect(probe.asked.withLock { Set($0) } == ["web/a tcp 80"])
            runner.forget(InstanceKey("web", "a"))
            #expect(runner.followed.isEmpty)
        }
    }

    @Test("a finding that could not be written comes again")
    func unwritten() async throws {
        let probe = ScriptedProbe(CheckResult(.passing, "fine"))
        try await Self.run(probe) { runner, clock in
            runner.follow(Self.instance(Self.check))
            let first = await Self.finding(runner, clock)
            for finding in first { runner.writeFailed(finding) }
            let again = await Self.finding(runner, clock)
            #expect(again.map(\.action) == first.map(\.action))
        }
    }

    @Test("a reported check turns critical when nothing is reported in time")
    func expiry() async throws {
        let probe = ScriptedProbe(CheckResult(.passing, "fine"))
        let check = CheckDefinition(id: "alive", kind: .ttl(.seconds(3)), initialStatus: .passing)
        try await Self.run(probe) { runner, clock in
            runner.follow(Self.instance(check))
            let findings = await Self.finding(runner, clock)
            #expect(findings.map(\.action) == [.record(.critical, output: "TTL expired")])
            #expect(probe.asked.withLock { $0.isEmpty })
        }
    }
}
