// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("An upstream")
struct UpstreamTests {
    @Test("has nobody to pick until it is told of instances")
    func empty() {
        let upstream = Upstream(service: "web")
        #expect(upstream.pick(PickRequest(now: .zero)) == nil)
        upstream.update(snapshot([instance("a")]), now: .zero)
        #expect(upstream.pick(PickRequest(now: .zero))?.endpoint.id == "a")
        upstream.update(snapshot([]), now: .zero)
        #expect(upstream.pick(PickRequest(now: .zero)) == nil)
    }

    @Test("picks healthy instances with a weight and nothing else")
    func routable() {
        let upstream = Upstream.of([
            instance("up"), instance("also-up"), instance("more"), instance("down", isCritical: true),
            instance("lapsed", lease: .lapsed), instance("suspect", lease: .suspect),
            instance("starting", readiness: .starting),
            instance("draining", desired: .draining(until: nil, reason: "")),
            instance("off", desired: .maintenance(reason: "")), instance("none", weight: 0),
            instance("none-by-metadata", metadata: ["weight": "0"]),
        ], RoundRobinBalancer())
        #expect(upstream.list.mode == .normal)
        #expect(upstream.list.endpoints.map(\.id.value) == ["also-up", "more", "up"])
        #expect(Set(upstream.next(30)) == ["also-up", "more", "up"])
        #expect(upstream.known.count == 11)
    }

    @Test("uses suspect instances when there are no others")
    func suspects() {
        let suspect = [instance("a", lease: .suspect), instance("b", lease: .suspect)]
        let upstream = Upstream.of(suspect + [instance("c", lease: .lapsed)], RoundRobinBalancer())
        #expect(upstream.list.mode == .suspect)
        #expect(upstream.list.endpoints.map(\.id) == ["a", "b"])
        upstream.update(snapshot(suspect + [instance("c"), instance("d")]), now: .zero)
        #expect(upstream.list.mode == .normal)
        #expect(upstream.list.endpoints.map(\.id) == ["c", "d"])
    }

    @Test("uses all that nobody took out of service when fewer than the threshold are usable", arguments: [
        (usable: 0, mode: EndpointList.Mode.panic, count: 10), (4, .panic, 10), (5, .normal, 5), (10, .normal, 10),
    ])
    func panic(usable: Int, mode: EndpointList.Mode, count: Int) {
        let members = (0 ..< 10).map { instance(padded($0), isCritical: $0 >= usable) }
        let off = [instance("x", desired: .maintenance(reason: "")), instance("y", readiness: .starting)]
        let upstream = Upstream.of(members + off, RoundRobinBalancer())
        #expect(upstream.list.mode == mode)
        #expect(upstream.list.endpoints.count == count)
    }

    @Test("uses nobody rather than instances that are down when the threshold is zero")
    func panicOff() {
        let configuration = UpstreamConfiguration(panicThreshold: 0)
        let down = [instance("a", isCritical: true), instance("b", isCritical: true)]
        let upstream = Upstream.of(down, RoundRobinBalancer(), configuration: configuration)
        #expect(upstream.list.endpoints.isEmpty)
        upstream.update(snapshot(down + [instance("c", lease: .suspect)]), now: .zero)
        #expect(upstream.list.endpoints.map(\.id) == ["c"])
        upstream.update(snapshot(down + [instance("c", lease: .suspect), instance("d")]), now: .zero)
        #expect(upstream.list.endpoints.map(\.id) == ["d"])
    }

    @Test("does not pick ejected instances, also after updates, until they are released")
    func ejection() throws {
        let members = instances(3)
        let upstream = Upstream.of(members, RoundRobinBalancer())
        let bad = try #require(upstream.list.endpoints.first).identity
        let gone = EndpointIdentity(InstanceKey("web", "gone"), Incarnation(7))
        upstream.setEjected([bad, gone], now: .seconds(1))
        #expect(Set(upstream.next(20)) == ["001", "002"])
        upstream.update(snapshot(instances(4), revision: 2), now: .seconds(2))
        #expect(Set(upstream.next(20)) == ["001", "002", "003"])
        upstream.setEjected([], now: .seconds(3))
        #expect(Set(upstream.next(20)) == ["000", "001", "002", "003"])
        #expect(upstream.known.first?.load.since == .seconds(3))
    }

    @Test("uses ejected instances too when too few are left")
    func ejectionPanic() {
        let upstream = Upstream.of(instances(3), RoundRobinBalancer())
        upstream.setEjected(Set(upstream.known.prefix(2).map(\.identity)), now: .zero)
        #expect(upstream.list.mode == .panic)
        #expect(Set(upstream.next(20)).count == 3)
    }

    @Test("an ejection is of one life: a new incarnation is picked")
    func ejectionOfALife() {
        let upstream = Upstream.of(instances(3), RoundRobinBalancer())
        upstream.setEjected([upstream.known[0].identity], now: .zero)
        upstream.update(snapshot([instance("000", incarnation: 2)] + instances(3).dropFirst()), now: .zero)
        #expect(Set(upstream.next(20)).count == 3)
    }

    @Test("keeps what was learnt by identity and incarnation")
    func learning() throws {
        let upstream = Upstream.of([instance("a"), instance("b")], RoundRobinBalancer(start: 0))
        let pick = try #require(upstream.pick(PickRequest(now: .zero)))
        let open = try #require(upstream.pick(PickRequest(now: .zero)))
        pick.finish(.success, now: .seconds(0.2))
        #expect(pick.endpoint.id == "a" && open.endpoint.id == "b")

        // A change of the registration, a check that fails, an absence: the same life.
        upstream.update(
            snapshot([instance("a", weight: 7, revision: 2), instance("b", isCritical: true, revision: 3)]),
            now: .seconds(1))
        upstream.update(snapshot([instance("b", isCritical: true, revision: 3)]), now: .seconds(2))
        upstream.update(snapshot([instance("a", weight: 7, revision: 2), instance("b", revision: 4)]), now: .seconds(3))
        let (a, b) = (upstream.known[0], upstream.known[1])
        #expect(a.load === pick.endpoint.load && a.weight == 7)
        #expect(a.load.latency(at: .seconds(0.2)).map { abs($0 - 0.2) < 1e-6 } == true)
        #expect(b.load === open.endpoint.load && b.load.pending == 1)
        #expect(b.load.since == .seconds(3), "it recovered then")

        // A new life begins anew, and the old one's calls end on the old one.
        upstream.update(snapshot([instance("a", incarnation: 2), instance("b", incarnation: 2)]), now: .seconds(4))
        #expect(upstream.known.allSatisfy { $0.load.pending == 0 && $0.load.latency(at: .seconds(4)) == nil })
        #expect(upstream.known.allSatisfy { $0.load.since == .seconds(4) })
        open.finish(.success, now: .seconds(5))
        #expect(upstream.known[1].load.pending == 0)
        #expect(open.endpoint.load.pending == 0)
    }

    @Test("forgets an instance that stays away")
    func departure() throws {
        let configuration = UpstreamConfiguration(departedRetention: .seconds(10))
        let upstream = Upstream.of([instance("a")], RoundRobinBalancer(), configuration: configuration)
        let before = try #require(upstream.known.first)
        upstream.update(snapshot([]), now: .seconds(1))
        upstream.update(snapshot([]), now: .seconds(11))
        upstream.update(snapshot([instance("a")]), now: .seconds(12))
        #expect(upstream.known.first?.load !== before.load)
    }

    @Test("takes the metadata's weight when the registered one is the default")
    func metadataWeight() {
        let upstream = Upstream.of([
            instance("a", metadata: ["weight": "20"]), instance("b", weight: 5, metadata: ["weight": "20"]),
            instance("c", metadata: ["weight": "heavy"]), instance("d", metadata: ["weight": "70000"]),
        ], RoundRobinBalancer())
        #expect(upstream.list.endpoints.map(\.weight) == [20, 5, 1, 1])
    }

    @Test("picks none of the excluded while there are others", arguments: BalancingPolicy.allCases)
    func excluded(policy: BalancingPolicy) throws {
        let upstream = Upstream.of(instances(5), policy.makeBalancer())
        let all = upstream.list.endpoints
        for seed in 0 ..< 200 {
            let excluded = Array(all.prefix(1 + seed % 4))
            let request = PickRequest(now: .zero, hashKey: UInt64(seed))
            let pick = try #require(upstream.pick(request, excluding: excluded))
            #expect(!excluded.contains { $0.id == pick.endpoint.id })
            pick.finish(.success, now: .zero)
        }
        #expect(upstream.pick(PickRequest(now: .zero), excluding: all) != nil, "better one of them than none")
    }

    @Test("counts nothing for a choice that is called elsewhere")
    func choosing() {
        let upstream = Upstream.of([instance("a")], RoundRobinBalancer())
        #expect(upstream.choose(PickRequest(now: .zero))?.load.pending == 0)
    }
}
