// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Leases")
struct LeaseKeeperTests {
    typealias Keeper = LeaseKeeper<Int, String>

    static let withoutBrake: BrakeConfiguration = {
        var configuration = BrakeConfiguration()
        configuration.isEnabled = false
        return configuration
    }()

    @Test("random lives of leases follow a scanned dictionary of renewals", arguments: 0 ..< 2000)
    func matchesAScannedDictionary(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var now = Instant(nanoseconds: Int64.random(in: 0 ... 1_000_000_000_000, using: &random))
        var keeper = Keeper(brake: Self.withoutBrake, now: now)
        var model = ScannedLeases()
        var handles: [Int: LeaseHandle] = [:]
        var effects: [LeaseEffect<Int>] = []

        for step in 0 ..< 60 {
            for _ in 0 ..< Int.random(in: 0 ... 5, using: &random) {
                let key = Int.random(in: 0 ..< 12, using: &random)
                switch Int.random(in: 0 ..< 12, using: &random) {
                case 0 ... 2:
                    let terms = Self.terms(using: &random)
                    let group = "\(key % 3)"
                    handles[key] = keeper.insert(key, group: group, terms: terms, incarnation: UInt64(step), now: now)
                    model.insert(key, terms, UInt64(step), now)
                case 3:
                    let removed = keeper.remove(key, now: now)
                    #expect(removed == (model.leases[key] != nil), "seed \(seed) step \(step)")
                    model.leases[key] = nil
                case 4:
                    let terms = Self.terms(using: &random)
                    let updated = keeper.update(key, terms: terms)
                    let expected = model.update(key, terms)
                    #expect(updated == expected, "seed \(seed) step \(step)")
                case 5:
                    let retry = now + .seconds(Int.random(in: 0 ... 20, using: &random))
                    keeper.retryEviction(key, at: retry)
                    model.retryEviction(key, retry)
                case 6 where Int.random(in: 0 ..< 4, using: &random) == 0:
                    effects.removeAll()
                    keeper.restartAll(now: now, into: &effects)
                    let expected = model.restartAll(now)
                    #expect(Set(effects) == expected, "seed \(seed) step \(step)")
                default:
                    let incarnation = Bool.random(using: &random) ? nil : UInt64.random(in: 0 ... 60, using: &random)
                    let answer =
                        if let handle = handles[key], Bool.random(using: &random) {
                            keeper.renew(handle, incarnation: incarnation, now: now)
                        } else {
                            keeper.renew(key, incarnation: incarnation, now: now)
                        }
                    let expected = model.renew(key, incarnation, now)
                    #expect(answer == expected, "seed \(seed) step \(step)")
                }
            }
            switch Int.random(in: 0 ..< 5, using: &random) {
            case 0: now = max(now, keeper.nextWake ?? now)
            case 1: now = now + .seconds(Int.random(in: 0 ... 4_000_000, using: &random))
            default: now = now + .milliseconds(Int.random(in: 0 ... 30_000, using: &random))
            }
            effects.removeAll()
            keeper.advance(now: now, into: &effects)

            let accepted = model.accepts(effects, now)
            #expect(accepted, "seed \(seed) step \(step): \(effects)")
            #expect(keeper.count == model.leases.count, "seed \(seed) step \(step)")
            for state in [LeasePhase.current, .lapsed, .suspect, .evicting] {
                let expected = model.leases.values.count { $0.state == state }
                #expect(keeper.count(in: state) == expected, "seed \(seed) step \(step) \(state)")
            }
        }
    }

    @Test("an owner that sleeps until nextWake sees lapse and eviction within one tick", arguments: 0 ..< 50)
    func sleepingOwner(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        var keeper = Keeper(brake: Self.withoutBrake, now: .zero)
        var lastRenewal: [Int: Instant] = [:]
        var renewals: [(at: Instant, key: Int)] = []
        for key in 0 ..< 50 {
            keeper.insert(key, group: "web", terms: .standard, now: .zero)
            var at = Instant.zero
            for _ in 0 ..< Int.random(in: 0 ... 8, using: &random) {
                at = at + .milliseconds(Int.random(in: 1 ... 29_000, using: &random))
                renewals.append((at, key))
            }
            lastRenewal[key] = at
        }
        renewals.sort { $0.at > $1.at }
        var effects: [LeaseEffect<Int>] = []
        var seen: [LeaseEffect<Int>: Instant] = [:]

        while let wake = keeper.nextWake {
            if let renewal = renewals.last, renewal.at <= wake {
                renewals.removeLast()
                let answer = keeper.renew(renewal.key, now: renewal.at)
                #expect(answer == .renewed, "seed \(seed)")
                continue
            }
            effects.removeAll()
            keeper.advance(now: wake, into: &effects)
            for effect in effects {
                let former = seen.updateValue(wake, forKey: effect)
                #expect(former == nil, "seed \(seed): \(effect) came twice")
                if case .evict(let key) = effect { keeper.remove(key, now: wake) }
            }
        }

        for (key, renewedAt) in lastRenewal {
            for (effect, after) in [(LeaseEffect.lapse(key), Duration.seconds(30)), (.evict(key), .seconds(90))] {
                let late = try #require(seen[effect]) - (renewedAt + after)
                #expect(late >= .zero && late < TimingWheel.tick, "seed \(seed): \(effect) was \(late) late")
            }
        }
    }

    @Test("a clock that goes backwards moves no lease")
    func backwards() {
        var keeper = Keeper(now: .zero)
        var effects: [LeaseEffect<Int>] = []
        let start = Instant.zero + .seconds(1000)
        keeper.advance(now: start, into: &effects)
        keeper.insert(1, group: "web", terms: .standard, now: start)
        keeper.advance(now: start + .seconds(20), into: &effects)

        keeper.advance(now: .zero, into: &effects)
        let answer = keeper.renew(1, now: .zero)
        #expect(answer == .renewed)
        #expect(keeper.lease(of: 1)?.renewedAt == start + .seconds(20))
        keeper.advance(now: start + .seconds(49), into: &effects)
        #expect(effects.isEmpty)
        keeper.advance(now: start + .seconds(51), into: &effects)
        #expect(effects == [.lapse(1)])
    }

    @Test("a late word of a former incarnation has no effect")
    func fencing() {
        var keeper = Keeper(now: .zero)
        let first = keeper.insert(1, group: "web", terms: .standard, incarnation: 7, now: .zero)
        keeper.insert(1, group: "web", terms: .standard, incarnation: 8, now: .zero)

        let late = keeper.renew(1, incarnation: 7, now: .zero + .seconds(9))
        let removed = keeper.remove(1, incarnation: 7, now: .zero + .seconds(9))
        let stale = keeper.renew(first, now: .zero + .seconds(9))
        #expect(stale == .unknown)
        #expect(late == .fenced(current: 8))
        #expect(!removed)
        #expect(keeper.lease(of: 1)?.renewedAt == .zero)
        let own = keeper.renew(1, incarnation: 8, now: .zero + .seconds(9))
        #expect(own == .renewed)
        #expect(keeper.count == 1)
    }

    static func terms(using random: inout SeededGenerator) -> LeaseTerms {
        let ttl = Duration.milliseconds(Int.random(in: 1 ... 60_000, using: &random))
        return LeaseTerms(ttl: ttl, evictAfter: ttl + .milliseconds(Int.random(in: 0 ... 90_000, using: &random)))
    }
}

/// The obvious model: a dictionary that is scanned at every step.
struct ScannedLeases {
    struct Lease {
        var renewedAt: Instant
        var terms: LeaseTerms
        var incarnation: UInt64
        var state = LeasePhase.current
        var notBefore: Instant = .zero
        var lapsesAt: Instant { renewedAt + terms.ttl }
        var evictedAt: Instant { max(renewedAt + terms.evictAfter, notBefore) }
    }

    var leases: [Int: Lease] = [:]

    mutating func insert(_ key: Int, _ terms: LeaseTerms, _ incarnation: UInt64, _ now: Instant) {
        leases[key] = Lease(renewedAt: now, terms: terms, incarnation: incarnation)
    }

    mutating func update(_ key: Int, _ terms: LeaseTerms) -> Bool {
        leases[key]?.terms = terms
        return leases[key] != nil
    }

    mutating func retryEviction(_ key: Int, _ instant: Instant) {
        guard leases[key]?.state == .evicting else { return }
        leases[key]?.state = .lapsed
        leases[key]?.notBefore = instant
    }

    mutating func restartAll(_ now: Instant) -> Set<LeaseEffect<Int>> {
        var effects: Set<LeaseEffect<Int>> = []
        for (key, lease) in leases where lease.state != .evicting {
            if lease.state == .lapsed { effects.insert(.restore(key)) }
            leases[key] = Lease(renewedAt: now, terms: lease.terms, incarnation: lease.incarnation)
        }
        return effects
    }

    mutating func renew(_ key: Int, _ incarnation: UInt64?, _ now: Instant) -> LeaseRenewal {
        guard let lease = leases[key] else { return .unknown }
        if let incarnation, incarnation != lease.incarnation { return .fenced(current: lease.incarnation) }
        if lease.state == .evicting { return .evicting }
        leases[key] = Lease(renewedAt: now, terms: lease.terms, incarnation: lease.incarnation)
        return lease.state == .current ? .renewed : .wasLapsed
    }

    /// Whether the effects are those of a scan `now`: each that is overdue by a tick is there, none is early or double.
    mutating func accepts(_ effects: [LeaseEffect<Int>], _ now: Instant) -> Bool {
        for effect in effects {
            switch effect {
            case .lapse(let key):
                guard let lease = leases[key], lease.state == .current, lease.lapsesAt <= now else { return false }
                leases[key]?.state = .lapsed
            case .evict(let key):
                guard let lease = leases[key], lease.state == .lapsed, lease.evictedAt <= now else { return false }
                leases[key]?.state = .evicting
            case .suspect, .release, .restore:
                return false
            }
        }
        return leases.values.allSatisfy { lease in
            switch lease.state {
            case .current: lease.lapsesAt + TimingWheel.tick > now
            case .lapsed: lease.evictedAt + TimingWheel.tick > now
            case .suspect, .evicting: true
            }
        }
    }
}
