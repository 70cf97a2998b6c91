// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Judging the results of a check")
struct CheckJudgeTests {
    private static func at(_ seconds: Int) -> Instant { .zero + .seconds(seconds) }

    private static func judge(
        rise: Int = 1, fall: Int = 1, _ status: HealthCheck.Status = .critical, isFirst: Bool = false
    ) -> CheckJudge {
        CheckJudge(successThreshold: rise, failureThreshold: fall, status: status, isFirst: isFirst)
    }

    @Test("a status flips after exactly as many results in a row as its threshold says")
    func thresholds() {
        var judge = Self.judge(rise: 3, fall: 2, .passing)
        var rules = CheckJudge.Rules()
        rules.flaps.changes = 0
        let results: [HealthCheck.Status] = [
            .critical, .passing, .critical, .critical, .passing, .warning, .critical, .passing, .passing, .warning,
        ]
        var statuses: [HealthCheck.Status] = []
        for (second, result) in results.enumerated() {
            _ = judge.judge(CheckResult(result, ""), at: Self.at(second), rules)
            statuses.append(judge.status)
        }
        #expect(statuses == [.passing, .passing, .passing] + Array(repeating: .critical, count: 6) + [.warning])
    }

    @Test("the first result is believed at once when it is good, and counted when it is bad")
    func first() {
        var good = Self.judge(rise: 5, isFirst: true)
        #expect(good.judge(CheckResult(.passing, "ok"), at: .zero, .init()) == .record(.passing, "ok"))
        var bad = Self.judge(fall: 2, .passing, isFirst: true)
        #expect(bad.judge(CheckResult(.critical, "no"), at: .zero, .init()) == .nothing)
        #expect(bad.judge(CheckResult(.critical, "no"), at: .zero, .init()) == .record(.critical, "no"))
    }

    @Test("a check that flaps is held at its worst, says why, and is believed again when its changes are old")
    func flapping() {
        var judge = Self.judge(.passing)
        var verdicts: [CheckJudge.Verdict] = []
        for second in 0 ..< 6 {
            let result = CheckResult(second % 2 == 0 ? .critical : .passing, "r\(second)")
            verdicts.append(judge.judge(result, at: Self.at(second * 10), .init()))
        }
        #expect(verdicts.prefix(2) == [.record(.critical, "r0"), .record(.passing, "r1")])
        #expect(verdicts[4] == .record(.critical, "r4"))
        #expect(verdicts[5] == .refresh("flapping: 6 changes in 5 min, held critical; now passing: r5"))

        var recovered: Int?
        for second in stride(from: 60, through: 600, by: 10) where recovered == nil {
            if case .record(let status, let output) = judge.judge(
                CheckResult(.passing, "fine"), at: Self.at(second), .init())
            {
                #expect(status == .passing)
                #expect(output == "fine")
                recovered = second
            }
        }
        // The changes were at 0 to 50 s: at 330 s those of 40 and 50 s are left.
        #expect(recovered == 330)
    }

    @Test("an output whose status stays is written seldom, and only when it differs")
    func outputs() {
        var judge = Self.judge(.passing)
        #expect(judge.judge(CheckResult(.passing, "a"), at: Self.at(0), .init()) == .refresh("a"))
        #expect(judge.judge(CheckResult(.passing, "b"), at: Self.at(10), .init()) == .nothing)
        #expect(judge.judge(CheckResult(.passing, "a"), at: Self.at(301), .init()) == .nothing)
        #expect(judge.judge(CheckResult(.passing, "c"), at: Self.at(302), .init()) == .refresh("c"))
    }

    @Test("an output is cut between characters")
    func cut() {
        var judge = Self.judge(.passing)
        let verdict = judge.judge(
            CheckResult(.critical, String(repeating: "ü", count: 3000)), at: .zero, .init())
        #expect(verdict == .record(.critical, String(repeating: "ü", count: 2048)))
        let odd = "x" + String(repeating: "ü", count: 3000)
        guard case .record(_, let output) = judge.judge(CheckResult(.passing, odd), at: .zero, .init()) else {
            Issue.record("no record")
            return
        }
        #expect(output.utf8.count == 4095)
    }

    @Test("a record that could not be written is said again")
    func unwritten() {
        var judge = Self.judge(.passing)
        #expect(judge.judge(CheckResult(.critical, "x"), at: .zero, .init()) == .record(.critical, "x"))
        judge.writeFailed()
        #expect(judge.judge(CheckResult(.critical, "x"), at: .zero, .init()) == .record(.critical, "x"))
        #expect(judge.judge(CheckResult(.critical, "x"), at: .zero, .init()) == .nothing)
    }

    @Test("random results come to what the whole history says", arguments: 0 ..< 150 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var model = JudgeModel(random: &random)
        var judge = CheckJudge(
            successThreshold: model.rise, failureThreshold: model.fall, status: model.begin, isFirst: model.isFirst)
        var now = Instant.zero
        for step in 0 ..< 120 {
            now = now + .milliseconds(Int.random(in: 0 ... 60_000, using: &random))
            let status: HealthCheck.Status =
                Int.random(in: 0 ..< 4, using: &random) == 0
                ? .warning : Bool.random(using: &random) ? .passing : .critical
            _ = judge.judge(CheckResult(status, "\(step)"), at: now, .init())
            let expected = model.expect(status, at: now)
            #expect(judge.status == expected, "seed \(seed) step \(step)")
            if judge.status != expected { return }
        }
    }
}

/// The slow way: everything from the complete history at each step.
private struct JudgeModel {
    let rise: Int
    let fall: Int
    let begin: HealthCheck.Status
    let isFirst: Bool
    private var results: [HealthCheck.Status] = []
    private var changes: [(at: Instant, from: HealthCheck.Status)] = []
    private var observed: HealthCheck.Status
    private var isFlapping = false

    init(random: inout SeededGenerator) {
        rise = Int.random(in: 1 ... 3, using: &random)
        fall = Int.random(in: 1 ... 3, using: &random)
        begin = HealthCheck.Status.allCases.randomElement(using: &random) ?? .critical
        isFirst = Bool.random(using: &random)
        observed = begin
    }

    mutating func expect(_ result: HealthCheck.Status, at now: Instant) -> HealthCheck.Status {
        results.append(result)
        let bad = results.reversed().prefix { $0 == .critical }.count
        let good = results.reversed().prefix { $0 != .critical }.count
        var next = observed
        if bad >= fall { next = .critical }
        if good >= rise || (good > 0 && observed != .critical) || (good > 0 && isFirst && results.count == 1) {
            next = result
        }
        updateFlapping(now)
        if next != observed {
            changes.append((now, observed))
            observed = next
            updateFlapping(now)
        }
        let recent = changes.filter { $0.at > now - .seconds(300) }
        return isFlapping ? max(observed, recent.map(\.from).max() ?? .passing) : observed
    }

    private mutating func updateFlapping(_ now: Instant) {
        let recent = changes.count { $0.at > now - .seconds(300) }
        isFlapping = recent >= 6 || (isFlapping && recent > 2)
    }
}
