// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Brake under random fleets")
struct BrakePropertyTests {
    @Test("every effect is due and follows from the state before, every count is that of a scan", arguments: 0 ..< 400)
    func random(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var fleet = RandomFleet(random: &random)
        for step in 0 ..< 80 {
            fleet.act(using: &random)
            let fault = fleet.advance(by: fleet.stepLength(using: &random))
            #expect(fault == nil, "seed \(seed) step \(step)")
            if fault != nil { return }
        }

        let leftOver = fleet.recover()

        #expect(leftOver == nil, "seed \(seed) in the end")
    }
}

/// Leases of a few services and a scanned model of each of them.
private struct RandomFleet {
    struct Model {
        var renewedAt: Instant
        var state = LeasePhase.current
        var isReleasedByOperator = false
    }

    private let terms = LeaseTerms.standard
    private var keeper: LeaseKeeper<Int, Int>
    private var model: [Int: Model] = [:]
    private var now = Instant.zero
    private var effects: [LeaseEffect<Int>] = []
    /// Instances that send no heartbeat.
    private var silent: Set<Int> = []
    private let size: Int

    init(random: inout SeededGenerator) {
        keeper = LeaseKeeper(now: .zero)
        size = Int.random(in: 1 ... 48, using: &random)
        for key in 0 ..< size { insert(key) }
    }

    static func service(_ key: Int) -> Int { key % 4 }

    func stepLength(using random: inout SeededGenerator) -> Duration {
        switch Int.random(in: 0 ..< 6, using: &random) {
        case 0: now.duration(to: max(now, keeper.nextWake ?? now))
        case 1: .seconds(Int.random(in: 0 ... 400, using: &random))
        default: .milliseconds(Int.random(in: 0 ... 12_000, using: &random))
        }
    }

    mutating func act(using random: inout SeededGenerator) {
        switch Int.random(in: 0 ..< 12, using: &random) {
        case 0: silent.formUnion(model.keys.sorted().filter { _ in Int.random(in: 0 ..< 3, using: &random) == 0 })
        case 1: silent.formUnion(model.keys.filter { Self.service($0) == 1 })
        case 2: silent.removeAll()
        case 3: silent.formUnion(model.keys)
        case 4: insert(Int.random(in: 0 ..< size, using: &random))
        case 5: remove(Int.random(in: 0 ..< size, using: &random))
        case 6 where Bool.random(using: &random): releaseByOperator(Int.random(in: -1 ..< 4, using: &random))
        case 7 where Int.random(in: 0 ..< 5, using: &random) == 0: restart()
        default: break
        }
        for key in model.keys.sorted() where !silent.contains(key) && Int.random(in: 0 ..< 8, using: &random) > 0 {
            renew(key)
        }
    }

    /// Lets time pass and returns what is wrong.
    mutating func advance(by duration: Duration) -> String? {
        now = now + duration
        effects.removeAll()
        keeper.advance(now: now, into: &effects)
        var fresh: [Int] = []
        for effect in effects {
            if let fault = apply(effect, &fresh) { return "\(effect): \(fault)" }
        }
        let overdue = now - terms.ttl - TimingWheel.tick
        for (key, lease) in model where lease.state == .current && lease.renewedAt <= overdue {
            return "\(key) is overdue and current"
        }
        return wrongCount() ?? disbelieved(fresh)
    }

    /// The rest of the world is well from now on: who renews stays, and who is silent is evicted in the end.
    mutating func recover() -> String? {
        let witnesses = 1000 ..< 1060
        for key in witnesses { insert(key) }
        for _ in 0 ..< 150 {
            for key in model.keys where !silent.contains(key) { renew(key) }
            if let fault = advance(by: .seconds(10)) { return fault }
        }
        let survivors = Set(model.keys)
        guard survivors.isDisjoint(with: silent), survivors.isSuperset(of: witnesses) else {
            return "survivors \(survivors)"
        }
        let status = keeper.brakeStatus
        guard status.fleet.engagedSince == nil, status.services.isEmpty else { return "still engaged: \(status)" }
        return model.values.allSatisfy { $0.state == .current } ? nil : "not all are current"
    }

    private mutating func apply(_ effect: LeaseEffect<Int>, _ fresh: inout [Int]) -> String? {
        switch effect {
        case .lapse(let key):
            guard let lease = model[key], lease.state == .current else { return "was not current" }
            guard lease.renewedAt + terms.ttl <= now else { return "early" }
            model[key]?.state = .lapsed
            fresh.append(key)
        case .suspect(let key):
            guard let lease = model[key] else { return "unknown" }
            guard lease.renewedAt + terms.ttl <= now else { return "early" }
            guard lease.state == .current || lease.state == .lapsed else { return "was \(lease.state)" }
            if lease.state == .current { fresh.append(key) }
            model[key]?.state = .suspect
        case .release(let key):
            guard let lease = model[key], lease.state == .suspect else { return "was not suspect" }
            guard !isHeld(key) || lease.isReleasedByOperator else { return "held by \(keeper.brakeStatus)" }
            model[key]?.state = .lapsed
        case .evict(let key):
            guard let lease = model[key], lease.state == .lapsed else { return "was not down" }
            guard lease.renewedAt + terms.evictAfter <= now else { return "early" }
            guard !isHeld(key) || lease.isReleasedByOperator else { return "held by \(keeper.brakeStatus)" }
            remove(key)
        case .restore:
            return "nothing was restarted"
        }
        return nil
    }

    private func isHeld(_ key: Int) -> Bool {
        let status = keeper.brakeStatus
        return status.fleet.engagedSince != nil || status.services[Self.service(key)]?.engagedSince != nil
    }

    private func wrongCount() -> String? {
        let fleet = keeper.brakeStatus.fleet
        let lapsed = model.values.count { $0.state != .current }
        let suspects = model.values.count { $0.state == .suspect }
        guard fleet.population == model.count, fleet.lapsed == lapsed, fleet.suspects == suspects else {
            return "\(fleet) with \(model.count) leases, \(lapsed) lapsed, \(suspects) suspects"
        }
        guard fleet.losses <= lapsed, keeper.count(in: .suspect) == suspects else { return "losses of \(fleet)" }
        for (service, status) in keeper.brakeStatus.services {
            let own = model.filter { Self.service($0.key) == service }
            guard status.population == own.count, status.suspects == own.values.count(where: { $0.state == .suspect })
            else { return "service \(service): \(status)" }
        }
        return strandedSuspect()
    }

    /// A suspect that no scope holds and none is about to release.
    private func strandedSuspect() -> String? {
        let status = keeper.brakeStatus
        guard status.fleet.engagedSince == nil, !status.fleet.isReleasing else { return nil }
        let stranded = model.first { $0.value.state == .suspect && status.services[Self.service($0.key)] == nil }
        return stranded.map { "\($0.key) is suspect and nothing holds it: \(status)" }
    }

    /// Too many at once are never called down, whatever went before.
    private func disbelieved(_ fresh: [Int]) -> String? {
        let population = keeper.brakeStatus.fleet.population + evictedNow
        guard fresh.count >= 3, Double(fresh.count) > 0.15 * Double(population) else { return nil }
        return fresh.contains { effects.contains(.lapse($0)) } ? "\(fresh.count) lapsed at once and were believed" : nil
    }

    private var evictedNow: Int { effects.count { if case .evict = $0 { true } else { false } } }

    private mutating func insert(_ key: Int) {
        keeper.insert(key, group: Self.service(key), terms: terms, now: now)
        model[key] = Model(renewedAt: now)
        silent.remove(key)
    }

    private mutating func remove(_ key: Int) {
        keeper.remove(key, now: now)
        model[key] = nil
    }

    private mutating func renew(_ key: Int) {
        if keeper.renew(key, now: now) != .unknown { model[key] = Model(renewedAt: now) }
    }

    private mutating func restart() {
        effects.removeAll()
        keeper.restartAll(now: now, into: &effects)
        for key in model.keys { model[key] = Model(renewedAt: now) }
    }

    private mutating func releaseByOperator(_ service: Int) {
        keeper.release(service < 0 ? .fleet : .service(service), now: now)
        for (key, lease) in model where lease.state == .suspect && (service < 0 || Self.service(key) == service) {
            model[key]?.isReleasedByOperator = true
        }
    }
}
