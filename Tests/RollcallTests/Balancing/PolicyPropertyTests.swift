// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

/// What holds for every policy, and for wrappers around it.
@Suite("Every policy")
struct PolicyPropertyTests {
    /// A policy, and what is wrapped around it.
    struct Setup: CustomTestStringConvertible, Sendable {
        let policy: BalancingPolicy
        let wrapper: String

        var balancer: any LoadBalancer {
            let base = policy.makeSmallBalancer()
            return switch wrapper {
            case "zones": ZoneAwareBalancer(base, in: Locality(zone: "a"), minimumSize: 2)
            case "subset": SubsetBalancer(base, .random(caller: "me", size: 4))
            case "aperture": SubsetBalancer(base, .aperture(position: 1, callers: 3, minimum: 4))
            case "slow start": SlowStartBalancer(base)
            case "all": SlowStartBalancer(
                ZoneAwareBalancer(SubsetBalancer(base, .random(caller: "me", size: 4)), in: Locality(zone: "a")))
            default: base
            }
        }

        var testDescription: String { wrapper.isEmpty ? policy.rawValue : "\(policy.rawValue), \(wrapper)" }

        static let all = BalancingPolicy.allCases.flatMap { policy in
            ["", "zones", "subset", "aperture", "slow start", "all"].map { Setup(policy: policy, wrapper: $0) }
        }
    }

    private static func randomInstance(_ number: Int, _ random: inout SeededGenerator) -> ServiceInstance {
        let weights: [UInt16] = [0, 1, 1, 1, 2, 100, 65535]
        let states: [DesiredState] = [.enabled, .enabled, .enabled, .draining(until: nil, reason: ""),
            .maintenance(reason: "")]
        let leases: [LeaseState] = [.current, .current, .current, .current, .lapsed, .suspect]
        return instance(
            padded(number), weight: weights.randomElement(using: &random)!,
            zone: ["a", "b", "c"].randomElement(using: &random)!,
            incarnation: UInt64.random(in: 1 ... 2, using: &random),
            readiness: Int.random(in: 0 ..< 9, using: &random) == 0 ? .starting : .ready,
            desired: states.randomElement(using: &random)!, lease: leases.randomElement(using: &random)!,
            revision: UInt64.random(in: 0 ... .max, using: &random))
    }

    @Test("picks only what is in the snapshot and routable, and ends with nothing under way", arguments: Setup.all)
    func membership(setup: Setup) {
        for seed in 1 ... 3 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let upstream = Upstream.of([], setup.balancer, seed: seed)
            var open: [Pick] = []
            var loads: [ObjectIdentifier: EndpointLoad] = [:]
            var present: [ServiceInstance] = []
            for step in 0 ..< 150 {
                let now = Instant.seconds(Double(step) * 0.7)
                if Int.random(in: 0 ..< 4, using: &random) > 0 {
                    present = (0 ..< 14).filter { _ in Bool.random(using: &random) }
                        .map { Self.randomInstance($0, &random) }
                    upstream.update(snapshot(present, revision: UInt64(step)), now: now)
                } else {
                    let some = upstream.known.filter { _ in Int.random(in: 0 ..< 4, using: &random) == 0 }
                    upstream.setEjected(Set(some.map(\.identity)), now: now)
                }
                let list = upstream.list
                check(list, present, "\(setup.testDescription), seed \(seed), step \(step)")
                for endpoint in upstream.known { loads[ObjectIdentifier(endpoint.load)] = endpoint.load }
                for _ in 0 ..< 12 {
                    let request = PickRequest(now: now, hashKey: random.next() % 5 == 0 ? nil : random.next() % 9)
                    guard let pick = upstream.pick(request) else {
                        #expect(list.endpoints.isEmpty, "seed \(seed): nobody was picked")
                        continue
                    }
                    #expect(list.endpoints.contains { $0 === pick.endpoint }, "seed \(seed)")
                    open.append(pick)
                }
                while open.count > 40 {
                    open.remove(at: Int.random(in: 0 ..< open.count, using: &random)).finish(.success, now: now)
                }
            }
            for pick in open { pick.finish(.cancelled, now: .seconds(1000)) }
            #expect(loads.values.allSatisfy { $0.pending == 0 }, "seed \(seed)")
        }
    }

    private func check(_ list: EndpointList, _ present: [ServiceInstance], _ place: String) {
        let ids = list.endpoints.map(\.id)
        #expect(ids == ids.sorted() && Set(ids).count == ids.count, "\(place)")
        for endpoint in list.endpoints {
            #expect(present.contains(endpoint.instance), "\(place): \(endpoint.id) is not in the snapshot")
            #expect(endpoint.weight > 0, "\(place)")
            let allowed: Set<InstanceStatus> = switch list.mode {
            case .normal: [.up, .warning]
            case .suspect: [.suspect]
            case .panic: [.up, .warning, .suspect, .down]
            }
            #expect(allowed.contains(endpoint.instance.status), "\(place): \(endpoint.instance.status)")
        }
    }

    @Test("picks the only one there is, of any weight", arguments: Setup.all)
    func single(setup: Setup) {
        let upstream = Upstream.of([instance("a", weight: 65535)], setup.balancer)
        for key in 0 ..< 20 as Range<UInt64> {
            #expect(upstream.pick(PickRequest(now: .zero, hashKey: key))?.endpoint.id == "a")
        }
    }

    @Test("uses everybody while the list changes after each pick", arguments: BalancingPolicy.allCases)
    func noStarvation(policy: BalancingPolicy) {
        var random = SeededGenerator(seed: 17)
        let stay = instances(8)
        let upstream = Upstream.of(stay, policy.makeSmallBalancer())
        var counts: [String: Int] = [:]
        for step in 0 ..< 800 {
            let guests = (0 ..< 4).filter { _ in Bool.random(using: &random) }.map { instance("g\($0)") }
            let now = Instant.seconds(Double(step) / 100)
            upstream.update(snapshot(stay + guests, revision: UInt64(step)), now: now)
            guard let pick = upstream.pick(PickRequest(now: now, hashKey: UInt64(step))) else { continue }
            counts[pick.endpoint.id.value, default: 0] += 1
            // Each takes as long as the others.
            pick.finish(.success, now: now + .milliseconds(5))
        }
        for member in stay {
            // A tenth is due; a fair share is 80.
            #expect(counts[member.id.value, default: 0] > 25, "\(policy): \(counts)")
        }
    }

    @Test(
        "counts exactly when many threads pick and finish while the list changes", arguments: BalancingPolicy.allCases)
    func concurrency(policy: BalancingPolicy) async {
        let upstream = Upstream.of(instances(5), policy.makeSmallBalancer())
        let first = upstream.known
        let finished = await withTaskGroup(of: Int.self) { group in
            for task in 0 ..< 6 {
                group.addTask {
                    var finished = 0
                    for number in 0 ..< 5000 {
                        let request = PickRequest(now: .zero, hashKey: UInt64(number))
                        let excluded = number % 7 == 0 ? [first[number % 5]] : []
                        guard let pick = upstream.pick(request, excluding: excluded) else { continue }
                        pick.finish(number % 3 == task % 3 ? .failure(.timeout) : .success, now: .seconds(0.001))
                        finished += 1
                    }
                    return finished
                }
            }
            group.addTask {
                for step in 0 ..< 300 {
                    let weights = (0 ..< 5).map { UInt16(1 + (step + $0) % 3) }
                    upstream.update(snapshot(instances(weights: weights), revision: UInt64(step)), now: .zero)
                }
                return 0
            }
            return await group.reduce(0, +)
        }
        #expect(finished == 30_000)
        #expect(zip(upstream.known, first).allSatisfy { $0.load === $1.load })
        #expect(upstream.known.allSatisfy { $0.load.pending == 0 }, "\(upstream.known.map(\.load.pending))")
    }

    @Test("round robin gives each thread's picks a turn of its own")
    func sharedTurns() async {
        let upstream = Upstream.of(instances(10), RoundRobinBalancer())
        let counts = await withTaskGroup(of: [String: Int].self) { group in
            for _ in 0 ..< 4 { group.addTask { upstream.counts(2500) } }
            return await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        }
        #expect(counts.count == 10 && counts.values.allSatisfy { $0 == 1000 }, "\(counts)")
    }
}
