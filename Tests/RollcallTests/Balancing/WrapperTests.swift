// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Zone-aware balancing")
struct ZoneAwareTests {
    private static let (one, two, three) = (Locality(zone: "1"), Locality(zone: "2"), Locality(zone: "3"))

    private static func shares(_ own: Locality, _ callers: [Double], _ supply: [Double]) -> [String: Double] {
        let zones = [one, two, three]
        let plan = ZonePlan(
            own: own, callers: Dictionary(uniqueKeysWithValues: zip(zones, callers)),
            supply: Dictionary(uniqueKeysWithValues: zip(zones, supply)))
        return Dictionary(uniqueKeysWithValues: plan.shares.map { ($0.zone.zone, $0.share) })
    }

    @Test("keeps what the zone can serve and spills the rest to where there is more than needed")
    func vector() {
        let shares = Self.shares(Self.one, [40, 40, 20], [25, 50, 25])
        #expect(abs(shares["1"]! - 0.625) < 1e-9)
        #expect(abs(shares["2"]! - 0.375 * 2 / 3) < 1e-9)
        #expect(abs(shares["3"]! - 0.375 / 3) < 1e-9)
        #expect(Self.shares(Self.two, [40, 40, 20], [25, 50, 25]) == ["2": 1])
        #expect(Self.shares(Self.one, [0, 0, 0], [1, 1, 1]) == ["1": 1])
    }

    @Test("loads all instances evenly", arguments: [1, 2, 3, 4, 5] as [UInt64])
    func even(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0 ..< 100 {
            let zones = (0 ..< Int.random(in: 2 ... 6, using: &random)).map { Locality(zone: "z\($0)") }
            let callers = Dictionary(uniqueKeysWithValues: zones.map {
                ($0, Double.random(in: 0 ... 10, using: &random))
            })
            let supply = Dictionary(uniqueKeysWithValues: zones.map {
                ($0, Double(Int.random(in: 1 ... 20, using: &random)))
            })
            var load: [Locality: Double] = [:]
            for own in zones {
                let plan = ZonePlan(own: own, callers: callers, supply: supply)
                #expect(abs(plan.shares.reduce(0) { $0 + $1.share } - 1) < 1e-9, "seed \(seed)")
                for (zone, share) in plan.shares { load[zone, default: 0] += share * callers[own]! }
            }
            let total = callers.values.reduce(0, +) / supply.values.reduce(0, +)
            for zone in zones {
                #expect(abs((load[zone] ?? 0) / supply[zone]! - total) < 1e-9 * max(1, total), "seed \(seed): \(zone)")
            }
        }
    }

    private static func members(_ counts: [Int]) -> [ServiceInstance] {
        counts.enumerated().flatMap { zone, count in
            (0 ..< count).map { instance("\(zone + 1)-\(padded($0))", zone: String(zone + 1)) }
        }
    }

    private static func zoneCounts(_ upstream: Upstream, _ picks: Int) -> [String: Int] {
        upstream.counts(picks).reduce(into: [:]) { $0[String($1.key.prefix(1)), default: 0] += $1.value }
    }

    @Test("picks in the zones by the plan, round by round inside them")
    func picks() {
        let balancer = ZoneAwareBalancer(
            RoundRobinBalancer(), in: Self.one, callers: [Self.one: 40, Self.two: 40, Self.three: 20])
        let upstream = Upstream.of(Self.members([2, 4, 2]), balancer)
        let picks = 40_000
        let counts = Self.zoneCounts(upstream, picks)
        for (zone, share) in ["1": 0.625, "2": 0.25, "3": 0.125] {
            #expect(abs(Double(counts[zone] ?? 0) - share * Double(picks)) < tolerance(picks, share), "\(counts)")
        }
        let inside = upstream.counts(10_000).filter { $0.key.hasPrefix("1") }.values
        #expect(inside.max()! - inside.min()! <= 1, "round robin")
    }

    @Test("spills over when the zone loses instances, and comes back")
    func spill() {
        let upstream = Upstream.of(
            Self.members([4, 4]), ZoneAwareBalancer(RandomBalancer(), in: Self.one))
        #expect(Self.zoneCounts(upstream, 1000) == ["1": 1000])
        let broken = Self.members([4, 4]).map {
            $0.id < "1-002" ? instance($0.id.value, zone: "1", isCritical: true, revision: 2) : $0
        }
        upstream.update(snapshot(broken, revision: 2), now: .zero)
        // 2 of 6 instances for half of the callers: two thirds stay.
        let counts = Self.zoneCounts(upstream, 30_000)
        #expect(abs(Double(counts["1"] ?? 0) - 20_000) < tolerance(30_000, 2.0 / 3))
        upstream.update(snapshot(Self.members([4, 4]), revision: 3), now: .zero)
        #expect(Self.zoneCounts(upstream, 1000) == ["1": 1000])
    }

    @Test("uses all when the zone has nobody, when there are few, and in a panic", arguments: [
        ([0, 6], 0), ([2, 3], 0), ([4, 8], 7),
    ] as [([Int], Int)])
    func whole(counts: [Int], broken: Int) {
        let members = Self.members(counts).enumerated().map {
            $0.offset < broken ? instance($0.element.id.value, zone: $0.element.locality.zone, isCritical: true)
                : $0.element
        }
        let upstream = Upstream.of(members, ZoneAwareBalancer(RandomBalancer(), in: Self.one))
        #expect(upstream.counts(5000).count == members.count)
    }

    @Test("requests of one key stay together")
    func keys() {
        let balancer = ZoneAwareBalancer(
            ConsistentHashBalancer(), in: Self.one, callers: [Self.one: 40, Self.two: 40, Self.three: 20])
        let upstream = Upstream.of(Self.members([2, 4, 2]), balancer)
        var zones: Set<String> = []
        for key in 0 ..< 200 as Range<UInt64> {
            let picks = (0 ..< 5).compactMap { _ in upstream.choose(PickRequest(now: .zero, hashKey: key))?.id }
            #expect(Set(picks).count == 1)
            zones.insert(String(picks[0].value.prefix(1)))
        }
        #expect(zones == ["1", "2", "3"])
    }

    @Test("regions tell zones of one name apart when the caller's is known")
    func regions() {
        let members = (0 ..< 4).flatMap { number in
            ["north", "south"].map { region in
                ServiceInstance(
                    registration: Registration(
                        service: "web", id: InstanceID("\(region)-\(number)"), host: "h", port: 80,
                        locality: Locality(region: region, zone: "1")),
                    incarnation: Incarnation(1), revision: Revision(1), registeredAt: .zero, changedAt: .zero)
            }
        }
        let known = Upstream.of(
            members, ZoneAwareBalancer(RandomBalancer(), in: Locality(region: "north", zone: "1")))
        #expect(known.counts(500).keys.allSatisfy { $0.hasPrefix("north") })
        let unknown = Upstream.of(members, ZoneAwareBalancer(RandomBalancer(), in: Self.one))
        #expect(unknown.counts(500).count == 8)
    }
}

@Suite("Subsets")
struct SubsetTests {
    @Test("an aperture is as wide as Finagle's", arguments: [
        (3, 4, 2, 2.0 / 3), (10, 100, 12, 0.2), (100, 10, 3, 0.3), (7, 40, 12, 3.0 / 7),
    ])
    func widths(callers: Int, count: Int, minimum: Int, width: Double) {
        let aperture = Aperture(position: 0, callers: callers, count: count, minimum: minimum)
        #expect(abs(aperture.width - width) < 1e-9)
        #expect(abs(aperture.shares.reduce(0) { $0 + $1.share } - width * Double(count)) < 1e-9)
    }

    @Test("all callers' apertures together cover all instances evenly", arguments: [1, 2, 3, 4] as [UInt64])
    func coverage(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0 ..< 100 {
            let callers = Int.random(in: 1 ... 40, using: &random)
            let count = Int.random(in: 1 ... 60, using: &random)
            let minimum = Int.random(in: 1 ... 15, using: &random)
            var sums = Array(repeating: 0.0, count: count)
            for caller in 0 ..< callers {
                let shares = Aperture(position: caller, callers: callers, count: count, minimum: minimum).shares
                #expect(Set(shares.map(\.position)).count == shares.count, "seed \(seed)")
                #expect(shares.count >= min(minimum, count), "seed \(seed)")
                for (position, share) in shares { sums[position] += share }
            }
            #expect(sums.max()! - sums.min()! < 1e-9, "seed \(seed): \(callers) of \(count), at least \(minimum)")
        }
    }

    @Test("picks the instances of the aperture, those at its ends less often")
    func aperture() {
        let upstream = Upstream.of(
            instances(40), SubsetBalancer(RandomBalancer(), .aperture(position: 2, callers: 7, minimum: 12)))
        let shares = Aperture(position: 2, callers: 7, count: 40, minimum: 12).shares
        let picks = 60_000
        let counts = upstream.counts(picks).values.sorted()
        #expect(counts.count == shares.count)
        let total = shares.reduce(0) { $0 + $1.share }
        for (count, share) in zip(counts, shares.map(\.share).sorted()) {
            let part = share / total
            #expect(abs(Double(count) - part * Double(picks)) < tolerance(picks, part) + 100, "\(counts)")
        }
    }

    @Test("a random part changes by one at most when one instance comes or goes", arguments: [1, 2, 3] as [UInt64])
    func randomPart(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let balancer = SubsetBalancer(RoundRobinBalancer(), .random(caller: "caller-\(seed)", size: 10))
        var members = instances(60)
        let upstream = Upstream.of(members, balancer)
        var before = Set(upstream.next(10))
        #expect(before.count == 10)
        for step in 0 ..< 50 {
            members.remove(at: Int.random(in: 0 ..< members.count, using: &random))
            if step.isMultiple(of: 2) { members.append(instance("new-\(step)")) }
            let changes = step.isMultiple(of: 2) ? 2 : 1
            upstream.update(snapshot(members, revision: UInt64(step)), now: .zero)
            let after = Set(upstream.next(10))
            #expect(after.count == 10 && after.subtracting(before).count <= changes, "seed \(seed)")
            before = after
        }
    }

    @Test("random parts of many callers cover all")
    func cover() {
        let seen = (0 ..< 60).reduce(into: Set<String>()) { seen, caller in
            let balancer = SubsetBalancer(RoundRobinBalancer(), .random(caller: "c\(caller)", size: 10))
            seen.formUnion(Upstream.of(instances(50), balancer).next(10))
        }
        #expect(seen.count == 50)
    }

    @Test("a retry stays in the part while it can")
    func excluded() throws {
        let upstream = Upstream.of(
            instances(50), SubsetBalancer(RandomBalancer(), .random(caller: "c", size: 5)))
        let part = Set((0 ..< 300).compactMap { _ in upstream.choose(PickRequest(now: .zero))?.id })
        #expect(part.count == 5)
        for _ in 0 ..< 100 {
            let first = try #require(upstream.choose(PickRequest(now: .zero)))
            let second = try #require(upstream.pick(PickRequest(now: .zero), excluding: [first]))
            #expect(second.endpoint.id != first.id && part.contains(second.endpoint.id))
        }
    }
}

@Suite("Slow start")
struct SlowStartTests {
    @Test("rises as Envoy's", arguments: [
        (1.0, 0.0, 0.1), (1, 6, 0.1), (1, 30, 0.5), (1, 60, 1), (2, 15, 0.5), (2, 0.6, 0.1), (1, 600, 1), (1, -5, 0.1),
    ])
    func vectors(aggression: Double, seconds: Double, expected: Double) {
        let ramp = SlowStartRamp(window: .seconds(60), minimum: 0.1, aggression: aggression)
        #expect(abs(ramp.share(since: .seconds(100), at: .seconds(100 + seconds)) - expected) < 1e-9)
    }

    private static func upstream(_ base: any LoadBalancer) -> Upstream {
        let upstream = Upstream.of(instances(10), SlowStartBalancer(base, window: .seconds(60)))
        upstream.update(snapshot(instances(10) + [instance("new")], revision: 2), now: .seconds(100))
        return upstream
    }

    @Test("gives a newcomer its share little by little", arguments: [
        BalancingPolicy.roundRobin, .random, .weightedRandom, .weightedRoundRobin,
    ])
    func newcomer(policy: BalancingPolicy) {
        let upstream = Self.upstream(policy.makeBalancer())
        let picks = 20_000
        for (seconds, part) in [(0.0, 0.1), (15, 0.25), (30, 0.5), (60, 1), (1000, 1)] {
            let count = upstream.counts(picks, now: .seconds(100 + seconds))["new"] ?? 0
            // Accepted with this probability: part / (10 + part) of all picks.
            let share = part / (10 + part)
            #expect(abs(Double(count) - share * Double(picks)) < tolerance(picks, share), "\(policy) at \(seconds)")
        }
    }

    @Test("an idle newcomer does not get everything from balancers that compare loads", arguments: [
        BalancingPolicy.leastRequests, .powerOfTwo, .peakEWMA,
    ])
    func loads(policy: BalancingPolicy) {
        let upstream = Self.upstream(policy.makeBalancer())
        for endpoint in upstream.known where endpoint.id != "new" {
            endpoint.load.begin()
            endpoint.load.finish(.success, latency: .milliseconds(10), now: .seconds(100))
            endpoint.load.begin()
        }
        let early = upstream.counts(10_000, now: .seconds(100))["new"] ?? 0
        let late = upstream.counts(10_000, now: .seconds(160))["new"] ?? 0
        #expect(early < late / 3, "\(policy): \(early), \(late)")
    }

    @Test("changes nothing when all are new")
    func allNew() {
        let upstream = Upstream.of([], SlowStartBalancer(RoundRobinBalancer()))
        upstream.update(snapshot(instances(3)), now: .seconds(1))
        #expect(upstream.known.allSatisfy { $0.load.since < .zero }, "they were there before the caller")
        let lives = (0 ..< 3).map { instance(padded($0), incarnation: 2) }
        upstream.update(snapshot(lives, revision: 2), now: .seconds(2))
        #expect(Set(upstream.next(3)).count == 3)
        #expect(upstream.counts(300, now: .seconds(2)) == ["000": 100, "001": 100, "002": 100])
    }

    @Test("one that recovered begins again")
    func recovery() {
        let upstream = Upstream.of(instances(4), SlowStartBalancer(RandomBalancer(), window: .seconds(60)))
        let sick = instances(3) + [instance("003", isCritical: true, revision: 2)]
        upstream.update(snapshot(sick, revision: 2), now: .seconds(10))
        upstream.update(snapshot(instances(3) + [instance("003", revision: 3)], revision: 3), now: .seconds(20))
        let picks = 10_000
        let counts = upstream.counts(picks, now: .seconds(20))
        #expect(abs(Double(counts["003"] ?? 0) - 0.1 / 3.1 * Double(picks)) < tolerance(picks, 0.1 / 3.1))
    }
}
