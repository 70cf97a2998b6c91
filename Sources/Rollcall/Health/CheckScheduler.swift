// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Decides when each of many checks runs, what its results come to, and when a reported check has expired.
///
/// A pure machine: it is told the instant and given a source of randomness, and answers with effects. Not thread-safe;
/// its owner holds a lock.
///
/// - **Spread**: the first round of a check is at a random time within its interval (a new one's within a second, the
///   next again at random), and every interval has jitter, so that however many checks are added at once, they never
///   run together for long.
/// - **Bound**: at most `concurrency` rounds run. What is due waits in the order in which it became due, so nobody
///   starves. A target that hangs costs one slot until its time-out, and such targets together at most half of them.
/// - Rounds of one check never overlap, and each ends: the probe says so, or the scheduler gives it up.
public struct CheckScheduler: Sendable {
    private enum Phase: Hashable {
        case vacant
        /// Waits for its time; a reported one for its expiry.
        case waiting
        case queued
        case running
        /// Removed while its round runs.
        case retiring
    }

    private struct Slot {
        var generation: UInt32 = 0
        var phase = Phase.vacant
        var terms: CheckTerms
        var judge: CheckJudge
        var due = Instant.zero
        var attempt: UInt32 = 0
        var startedAt = Instant.zero
        var criticalSince: Instant?
        /// Whether the next interval is a random part of itself, to find a phase of its own.
        var needsPhase: Bool
        var isSlow = false
        var startedSlow = false
    }

    /// How the work is spread and bounded.
    public let configuration: CheckSchedulerConfiguration
    private let rules: CheckJudge.Rules
    private var slots: [Slot] = []
    private var vacant: [Int32] = []
    private var rounds: TimingWheel
    private var timeouts: TimingWheel
    private var criticals: TimingWheel
    private var prompt = CheckQueue()
    private var slow = CheckQueue()
    private var slowRunning = 0
    private var due: [CheckQueue.Entry] = []

    /// Checks that were added and not removed.
    public private(set) var count = 0
    /// Rounds that run now.
    public private(set) var running = 0
    /// Checks that are due and wait for a slot.
    public private(set) var queued = 0

    /// A scheduler without checks, whose time begins at `now`.
    public init(configuration: CheckSchedulerConfiguration = CheckSchedulerConfiguration(), now: Instant) {
        self.configuration = configuration
        rules = CheckJudge.Rules(
            flaps: configuration.flaps, outputBytes: configuration.outputBytes,
            outputInterval: configuration.outputInterval)
        rounds = TimingWheel(now: now)
        timeouts = TimingWheel(now: now)
        criticals = TimingWheel(now: now)
    }

    /// The output of a reported check that nobody reported in time, in Consul's words, which its clients look for.
    public static let expiryOutput = "TTL expired"

    // MARK: Checks

    /// Begins to run a check.
    ///
    /// - Parameters:
    ///   - status: What it is known to be.
    ///   - isNew: Whether it has had no result yet: it is asked soon. Others, such as all after a restart, are spread
    ///     over their interval; a reported one is good for a full ttl from now.
    public mutating func add(
        _ terms: CheckTerms, status: HealthCheck.Status, isNew: Bool, now: Instant,
        random: inout some RandomNumberGenerator
    ) -> CheckHandle {
        let judge = CheckJudge(
            successThreshold: terms.successThreshold, failureThreshold: terms.failureThreshold, status: status,
            isFirst: isNew)
        var slot = Slot(phase: .waiting, terms: terms, judge: judge, needsPhase: isNew)
        let index: Int32
        if let free = vacant.popLast() {
            index = free
            slot.generation = slots[Int(free)].generation
            slots[Int(free)] = slot
        } else {
            index = Int32(slots.count)
            slots.append(slot)
        }
        count += 1
        if let ttl = terms.ttl {
            schedule(index, at: now + ttl)
        } else {
            let span = isNew ? min(configuration.firstRound, terms.interval) : interval(terms, &random)
            schedule(index, at: now + span * Double.random(in: 0 ..< 1, using: &random))
        }
        noteStatus(index, now)
        return CheckHandle(slot: index, generation: slots[Int(index)].generation)
    }

    /// Goes on with other terms; the results so far stay.
    public mutating func update(_ check: CheckHandle, _ terms: CheckTerms, now: Instant) {
        guard let index = index(of: check) else { return }
        slots[Int(index)].terms = terms
        slots[Int(index)].judge.successThreshold = terms.successThreshold
        slots[Int(index)].judge.failureThreshold = terms.failureThreshold
        if slots[Int(index)].phase == .waiting {
            schedule(index, at: min(slots[Int(index)].due, now + (terms.ttl ?? terms.interval)))
        }
        criticals.remove(index)
        noteStatus(index, now)
    }

    /// Ends a check. Its round, if one runs, is cancelled, and keeps its slot until it has ended.
    public mutating func remove(_ check: CheckHandle, into effects: inout [CheckEffect]) {
        guard let index = index(of: check) else { return }
        rounds.remove(index)
        criticals.remove(index)
        count -= 1
        switch slots[Int(index)].phase {
        case .running:
            slots[Int(index)].phase = .retiring
            effects.append(.cancel(CheckAttempt(check: check, number: slots[Int(index)].attempt)))
        case .queued:
            queued -= 1
            vacate(index)
        case .waiting, .retiring, .vacant: vacate(index)
        }
    }

    /// The status as it was last said to be written; `nil` when there is no such check.
    public func status(of check: CheckHandle) -> HealthCheck.Status? {
        index(of: check).map { slots[Int($0)].judge.status }
    }

    // MARK: Results

    /// Takes the result of a round. That of a round that was given up, or of a removed check, is ignored.
    public mutating func finished(
        _ attempt: CheckAttempt, _ result: CheckResult, now: Instant, random: inout some RandomNumberGenerator,
        into effects: inout [CheckEffect]
    ) {
        let index = attempt.check.slot
        let slot = slots[Int(index)]
        guard slot.generation == attempt.check.generation, slot.attempt == attempt.number else { return }
        switch slot.phase {
        case .running:
            complete(index, result, now, &random, &effects)
            start(now, &effects)
        case .retiring:
            release(index)
            vacate(index)
            start(now, &effects)
        case .vacant, .waiting, .queued: break
        }
    }

    /// Takes the report of a reported check, after it was written as far as it changed the status.
    public mutating func reported(
        _ check: CheckHandle, _ result: CheckResult, now: Instant, into effects: inout [CheckEffect]
    ) {
        guard let index = index(of: check), let ttl = slots[Int(index)].terms.ttl else { return }
        schedule(index, at: now + ttl)
        apply(slots[Int(index)].judge.reported(result, at: now, rules), index, now, &effects)
    }

    /// Tells what status the registry has. While a record is on its way that may be an earlier one: the record is then
    /// said once more, which does no harm.
    public mutating func hasWritten(_ check: CheckHandle, _ status: HealthCheck.Status, now: Instant) {
        guard let index = index(of: check), slots[Int(index)].judge.status != status else { return }
        slots[Int(index)].judge.hasWritten(status)
        noteStatus(index, now)
    }

    /// A record could not be written: it is said again with the next result, that of an expiry after a while.
    public mutating func writeFailed(_ check: CheckHandle, now: Instant) {
        guard let index = index(of: check) else { return }
        slots[Int(index)].judge.writeFailed()
        if slots[Int(index)].terms.ttl != nil { schedule(index, at: now + configuration.retry) }
    }

    // MARK: Time

    /// An instant before which there is nothing to do; `nil` when nothing is waited for.
    public var nextWake: Instant? {
        [rounds.nextDeadline, timeouts.nextDeadline, criticals.nextDeadline].compactMap(\.self).min()
    }

    /// Lets time pass until `now`.
    public mutating func advance(
        now: Instant, random: inout some RandomNumberGenerator, into effects: inout [CheckEffect]
    ) {
        while let index = timeouts.popExpired(at: now) { giveUp(index, now, &random, &effects) }
        while let index = rounds.popExpired(at: now) {
            if slots[Int(index)].terms.ttl != nil {
                apply(slots[Int(index)].judge.expired(Self.expiryOutput, at: now), index, now, &effects)
            } else {
                due.append(CheckQueue.Entry(due: slots[Int(index)].due, check: handle(index)))
            }
        }
        // The wheel's order within a tick is arbitrary.
        due.sort { $0.due == $1.due ? $0.check.slot < $1.check.slot : $0.due < $1.due }
        for entry in due { enqueue(entry) }
        due.removeAll(keepingCapacity: true)
        while let index = criticals.popExpired(at: now) {
            effects.append(.deregister(handle(index)))
            criticals.insert(index, deadline: now + configuration.retry)
        }
        start(now, &effects)
    }

    private mutating func giveUp(
        _ index: Int32, _ now: Instant, _ random: inout some RandomNumberGenerator, _ effects: inout [CheckEffect]
    ) {
        let slot = slots[Int(index)]
        if slot.phase == .retiring {
            release(index)
            vacate(index)
            return
        }
        effects.append(.cancel(CheckAttempt(check: handle(index), number: slot.attempt)))
        let result = CheckResult(.critical, "no answer within \(slot.terms.timeout.spoken)")
        complete(index, result, now, &random, &effects)
    }

    // MARK: Slots

    private mutating func enqueue(_ entry: CheckQueue.Entry) {
        slots[Int(entry.check.slot)].phase = .queued
        queued += 1
        if slots[Int(entry.check.slot)].isSlow { slow.append(entry) } else { prompt.append(entry) }
    }

    /// Starts what is due, as far as there are slots.
    private mutating func start(_ now: Instant, _ effects: inout [CheckEffect]) {
        let slowMost = max(1, configuration.concurrency / 2)
        while running < configuration.concurrency {
            while let entry = prompt.first, !isQueued(entry.check) { prompt.removeFirst() }
            while let entry = slow.first, !isQueued(entry.check) { slow.removeFirst() }
            let entry: CheckQueue.Entry
            switch (prompt.first, slowRunning < slowMost ? slow.first : nil) {
            case (nil, nil): return
            case (let first?, let other?) where other.due < first.due:
                entry = other
                slow.removeFirst()
            case (let first?, _):
                entry = first
                prompt.removeFirst()
            case (nil, let other?):
                entry = other
                slow.removeFirst()
            }
            begin(entry.check.slot, now, &effects)
        }
    }

    private mutating func begin(_ index: Int32, _ now: Instant, _ effects: inout [CheckEffect]) {
        queued -= 1
        running += 1
        let isSlow = slots[Int(index)].isSlow
        if isSlow { slowRunning += 1 }
        slots[Int(index)].startedSlow = isSlow
        slots[Int(index)].phase = .running
        slots[Int(index)].attempt &+= 1
        slots[Int(index)].startedAt = now
        timeouts.insert(index, deadline: now + slots[Int(index)].terms.timeout + configuration.grace)
        effects.append(.probe(CheckAttempt(check: handle(index), number: slots[Int(index)].attempt)))
    }

    private mutating func complete(
        _ index: Int32, _ result: CheckResult, _ now: Instant, _ random: inout some RandomNumberGenerator,
        _ effects: inout [CheckEffect]
    ) {
        release(index)
        let slot = slots[Int(index)]
        slots[Int(index)].phase = .waiting
        slots[Int(index)].isSlow = now - slot.startedAt >= configuration.slowAfter
        slots[Int(index)].needsPhase = false
        let share = slot.needsPhase ? Double.random(in: 0 ..< 1, using: &random) : 1
        schedule(index, at: now + interval(slot.terms, &random) * share)
        apply(slots[Int(index)].judge.judge(result, at: now, rules), index, now, &effects)
    }

    /// An interval with its jitter. A random part of one is where a process that always ran would be found: the rounds
    /// that follow are as even as it is.
    private func interval(_ terms: CheckTerms, _ random: inout some RandomNumberGenerator) -> Duration {
        terms.interval * (1 + configuration.jitter * Double.random(in: -1 ..< 1, using: &random))
    }

    private mutating func release(_ index: Int32) {
        timeouts.remove(index)
        running -= 1
        if slots[Int(index)].startedSlow { slowRunning -= 1 }
    }

    private mutating func vacate(_ index: Int32) {
        slots[Int(index)].phase = .vacant
        slots[Int(index)].generation &+= 1
        vacant.append(index)
    }

    private mutating func schedule(_ index: Int32, at instant: Instant) {
        slots[Int(index)].due = instant
        rounds.insert(index, deadline: instant)
    }

    private mutating func apply(
        _ verdict: CheckJudge.Verdict, _ index: Int32, _ now: Instant, _ effects: inout [CheckEffect]
    ) {
        switch verdict {
        case .nothing: break
        case .record(let status, let output): effects.append(.record(handle(index), status, output: output))
        case .refresh(let output): effects.append(.refresh(handle(index), output: output))
        }
        noteStatus(index, now)
    }

    /// Keeps the deadline after which a critical check takes its instance away.
    private mutating func noteStatus(_ index: Int32, _ now: Instant) {
        let slot = slots[Int(index)]
        guard slot.judge.status == .critical, let limit = slot.terms.deregisterAfter else {
            slots[Int(index)].criticalSince = slot.judge.status == .critical ? slot.criticalSince ?? now : nil
            criticals.remove(index)
            return
        }
        let since = slot.criticalSince ?? now
        guard slot.criticalSince == nil || !criticals.contains(index) else { return }
        slots[Int(index)].criticalSince = since
        criticals.insert(index, deadline: since + limit)
    }

    private func handle(_ index: Int32) -> CheckHandle {
        CheckHandle(slot: index, generation: slots[Int(index)].generation)
    }

    private func isQueued(_ check: CheckHandle) -> Bool {
        slots[Int(check.slot)].generation == check.generation && slots[Int(check.slot)].phase == .queued
    }

    /// The slot of a check that is there and was not removed.
    private func index(of check: CheckHandle) -> Int32? {
        guard Int(check.slot) < slots.count else { return nil }
        let slot = slots[Int(check.slot)]
        guard slot.generation == check.generation, slot.phase != .vacant, slot.phase != .retiring else { return nil }
        return check.slot
    }
}
