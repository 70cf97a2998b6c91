// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Scheduling checks, against a slow model")
struct CheckSchedulerPropertyTests {
    @Test("random fleets run as the model says", arguments: 0 ..< 150 as Range<UInt64>)
    func random(seed: UInt64) {
        var fleet = ScheduledFleet(seed: seed)
        for step in 0 ..< 150 {
            let fault = fleet.step()
            #expect(fault == nil, "seed \(seed) step \(step)")
            if fault != nil { return }
        }
    }
}

/// A scheduler and its model: the model keeps a flat list, scans it, and draws the same random numbers.
private struct ScheduledFleet {
    struct Check {
        var handle: CheckHandle
        var terms: CheckTerms
        var due: Instant
        var isNew: Bool
        var isQueued = false
        var startedAt: Instant?
        var attempt: CheckAttempt?
        var isRetiring = false
        var isSlow = false
        var startedSlow = false
        var order: Int32 { handle.slot }
    }

    private var scheduler: CheckScheduler
    private var random: SeededGenerator
    private var mirror: SeededGenerator
    private var choices: SeededGenerator
    private var checks: [Check] = []
    /// Queue order: when it became due and was taken in.
    private var queue: [CheckHandle] = []
    private var now = Instant.zero
    private let concurrency: Int
    private var effects: [CheckEffect] = []
    private var ended: [CheckAttempt] = []

    init(seed: UInt64) {
        choices = SeededGenerator(seed: seed)
        random = SeededGenerator(seed: seed &+ 1)
        mirror = SeededGenerator(seed: seed &+ 1)
        concurrency = Int.random(in: 1 ... 6, using: &choices)
        var configuration = CheckSchedulerConfiguration()
        configuration.concurrency = concurrency
        scheduler = CheckScheduler(configuration: configuration, now: .zero)
    }

    /// Does something at random; what differs from the model, if anything.
    mutating func step() -> String? {
        effects = []
        let expected: [CheckHandle]
        switch Int.random(in: 0 ..< 10, using: &choices) {
        case 0, 1: expected = add()
        case 2: expected = remove()
        case 3, 4, 5: expected = finish()
        case 6: expected = finishLate()
        default: expected = advance()
        }
        return compare(expected)
    }

    private mutating func compare(_ expected: [CheckHandle]) -> String? {
        let started = effects.compactMap { effect -> CheckAttempt? in
            if case .probe(let attempt) = effect { attempt } else { nil }
        }
        guard started.map(\.check) == expected else { return "started \(started.map(\.check)), not \(expected)" }
        for attempt in started {
            guard let index = checks.firstIndex(where: { $0.handle == attempt.check }) else { return "unknown started" }
            guard checks[index].attempt == nil else { return "two rounds of one check" }
            checks[index].attempt = attempt
        }
        let running = checks.count { $0.startedAt != nil }
        guard scheduler.running == running, running <= concurrency else { return "\(scheduler.running) run" }
        guard scheduler.queued == queue.count else { return "\(scheduler.queued) queued, not \(queue.count)" }
        guard scheduler.count == checks.count(where: { !$0.isRetiring }) else { return "\(scheduler.count) checks" }
        let soonest = checks.compactMap { check -> Instant? in
            if let started = check.startedAt { return started + check.terms.timeout + .milliseconds(500) }
            return check.isQueued ? nil : check.due
        }.min()
        if let soonest, let wake = scheduler.nextWake, wake > soonest + TimingWheel.tick {
            return "wakes at \(wake), \(soonest) is due"
        }
        return soonest != nil && scheduler.nextWake == nil ? "would never wake" : nil
    }

    private mutating func add() -> [CheckHandle] {
        var definition = CheckDefinition(kind: .tcp(target: ""))
        definition.interval = .milliseconds(Int.random(in: 100 ... 20_000, using: &choices))
        definition.timeout = .milliseconds(Int.random(in: 100 ... 9000, using: &choices))
        let isNew = Bool.random(using: &choices)
        let terms = CheckTerms(definition)
        let handle = scheduler.add(terms, status: .passing, isNew: isNew, now: now, random: &random)
        let span = isNew ? min(.seconds(1), terms.interval) : interval(terms)
        let due = now + span * Double.random(in: 0 ..< 1, using: &mirror)
        checks.append(Check(handle: handle, terms: terms, due: due, isNew: isNew))
        return []
    }

    private mutating func remove() -> [CheckHandle] {
        let living = checks.filter { !$0.isRetiring }
        guard let check = living.randomElement(using: &choices) else { return [] }
        scheduler.remove(check.handle, into: &effects)
        queue.removeAll { $0 == check.handle }
        if check.startedAt == nil {
            checks.removeAll { $0.handle == check.handle }
        } else {
            modify(check.handle) { $0.isRetiring = true }
        }
        return []
    }

    private mutating func finish() -> [CheckHandle] {
        let running = checks.filter { $0.startedAt != nil }
        guard let check = running.randomElement(using: &choices), let attempt = check.attempt else { return [] }
        ended.append(attempt)
        scheduler.finished(attempt, CheckResult(.passing, ""), now: now, random: &random, into: &effects)
        end(check)
        return startModel()
    }

    private mutating func finishLate() -> [CheckHandle] {
        guard let attempt = ended.randomElement(using: &choices) else { return [] }
        scheduler.finished(attempt, CheckResult(.critical, ""), now: now, random: &random, into: &effects)
        return []
    }

    private mutating func advance() -> [CheckHandle] {
        now = now + .milliseconds(Int.random(in: 0 ... 4000, using: &choices))
        scheduler.advance(now: now, random: &random, into: &effects)
        for case .cancel(let attempt) in effects {
            ended.append(attempt)
            if let check = checks.first(where: { $0.handle == attempt.check }) { end(check) }
        }
        for check in checks where check.isRetiring && isDue(check.startedAt.map { $0 + check.limit } ?? now) {
            checks.removeAll { $0.handle == check.handle }
        }
        let due = checks.filter { $0.startedAt == nil && !$0.isQueued && isDue($0.due) }
        for check in due.sorted(by: { $0.due == $1.due ? $0.order < $1.order : $0.due < $1.due }) {
            queue.append(check.handle)
            modify(check.handle) { $0.isQueued = true }
        }
        return startModel()
    }

    private mutating func interval(_ terms: CheckTerms) -> Duration {
        terms.interval * (1 + 0.1 * Double.random(in: -1 ..< 1, using: &mirror))
    }

    /// Whether the tick at which `deadline` expires has begun.
    private func isDue(_ deadline: Instant) -> Bool {
        let tick = TimingWheel.tick.wholeNanoseconds
        return (deadline.nanoseconds + tick - 1) / tick <= now.nanoseconds / tick
    }

    private mutating func end(_ check: Check) {
        guard !check.isRetiring else {
            checks.removeAll { $0.handle == check.handle }
            return
        }
        let share = check.isNew ? Double.random(in: 0 ..< 1, using: &mirror) : 1
        let slow = check.startedAt.map { now - $0 >= .seconds(1) } ?? false
        let due = now + interval(check.terms) * share
        modify(check.handle) { check in
            (check.startedAt, check.attempt, check.isNew, check.due, check.isSlow) = (nil, nil, false, due, slow)
        }
    }

    private mutating func startModel() -> [CheckHandle] {
        var started: [CheckHandle] = []
        while checks.count(where: { $0.startedAt != nil }) < concurrency {
            let slowRunning = checks.count { $0.startedAt != nil && $0.startedSlow }
            let waiting = queue.compactMap { handle in checks.first { $0.handle == handle } }
            let fast = waiting.first { !$0.isSlow }
            let slow = slowRunning < max(1, concurrency / 2) ? waiting.first(where: \.isSlow) : nil
            guard let next = [fast, slow].compactMap(\.self).min(by: { $0.due < $1.due }) else { break }
            queue.removeAll { $0 == next.handle }
            let now = now
            modify(next.handle) { check in
                (check.isQueued, check.startedAt, check.startedSlow) = (false, now, check.isSlow)
            }
            started.append(next.handle)
        }
        return started
    }

    private mutating func modify(_ handle: CheckHandle, _ change: (inout Check) -> Void) {
        guard let index = checks.firstIndex(where: { $0.handle == handle }) else { return }
        change(&checks[index])
    }
}

extension ScheduledFleet.Check {
    fileprivate var limit: Duration { terms.timeout + .milliseconds(500) }
}
