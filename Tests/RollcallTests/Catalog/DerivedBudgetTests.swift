// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("What is kept with snapshots", .timeLimit(.minutes(1)))
struct DerivedBudgetTests {
    private static let key = ServiceSnapshot.DerivedKey(0)
    /// What a value of 1,000 bytes counts.
    private static let each = 1000 + DerivedBudget.overheadBytes

    @Test("stays within the bound however many services are asked for once, and all of it is counted")
    func bounded() {
        let catalog = Self.catalog(of: 1000)
        let budget = DerivedBudget(catalog: catalog, bytesMax: 10 * Self.each)
        for number in 0 ..< 1000 {
            Self.ask(catalog, budget, number)
            #expect(budget.bytes == min(number + 1, 10) * Self.each)
        }
        // The kept ones first: asking for another lets one of them go.
        #expect((990 ..< 1000).allSatisfy { !Self.isComputed(catalog, budget, $0) })
        #expect((0 ..< 990).allSatisfy { Self.isComputed(catalog, budget, $0) })
    }

    @Test("what is asked for again and again stays while others come and go")
    func secondChance() {
        let catalog = Self.catalog(of: 1000)
        let budget = DerivedBudget(catalog: catalog, bytesMax: 10 * Self.each)
        Self.ask(catalog, budget, 0)
        for number in 1 ..< 1000 {
            Self.ask(catalog, budget, number)
            #expect(!Self.isComputed(catalog, budget, 0), "gone after \(number) others")
        }
    }

    @Test("all in use at once, some of it still makes room")
    func allInUse() {
        let catalog = Self.catalog(of: 1000)
        let budget = DerivedBudget(catalog: catalog, bytesMax: 200 * Self.each)
        for _ in 0 ..< 2 {
            for number in 0 ..< 200 { Self.ask(catalog, budget, number) }
        }
        for number in 200 ..< 400 {
            Self.ask(catalog, budget, number)
            Self.ask(catalog, budget, number)
        }
        #expect(budget.bytes == 200 * Self.each)
    }

    @Test("values of snapshots that were replaced are let go first, and nothing of the new ones")
    func replaced() {
        let catalog = Self.catalog(of: 10)
        let budget = DerivedBudget(catalog: catalog, bytesMax: 10 * Self.each)
        for number in 0 ..< 10 { Self.ask(catalog, budget, number) }
        for number in 0 ..< 5 {
            let old = catalog.snapshot(of: Self.name(number)).instances[0]
            let revision = catalog.revision.next
            let changed = old.changed(desired: .maintenance(reason: ""), revision: revision, at: old.changedAt)
            catalog.publish([InstanceChange(revision: revision, kind: .updated, instance: changed, bornAt: .zero)])
            #expect(Self.isComputed(catalog, budget, number))
        }
        #expect(budget.bytes == 10 * Self.each)
        #expect((0 ..< 10).allSatisfy { !Self.isComputed(catalog, budget, $0) })
    }

    @Test("a value larger than the bound, and one of a service without instances, is computed at each call")
    func notKept() {
        let catalog = Self.catalog(of: 2)
        let budget = DerivedBudget(catalog: catalog, bytesMax: Self.each - 1)
        for number in [0, 1, 5] {
            Self.ask(catalog, budget, number)
            #expect(Self.isComputed(catalog, budget, number))
        }
        #expect(budget.bytes == 0)
    }

    @Test("each of several values of a snapshot has its own turn")
    func severalKeys() {
        let catalog = Self.catalog(of: 1)
        let snapshot = catalog.snapshot(of: Self.name(0))
        let budget = DerivedBudget(catalog: catalog, bytesMax: 2 * Self.each)
        for number in 0 ..< 3 {
            let value = snapshot.derivedValue(.init(number), within: budget, size: { _ in 1000 }, { _ in number })
            #expect(value == number)
        }
        var computed: [Int] = []
        for number in [1, 2, 0] {
            _ = snapshot.derivedValue(.init(number), within: budget, size: { _ in 1000 }) { _ in
                computed.append(number)
                return number
            }
        }
        #expect(computed == [0])
    }

    // MARK: The scene

    private static func name(_ number: Int) -> ServiceName { ServiceName("service-\(number)") }

    private static func catalog(of services: Int) -> Catalog {
        let catalog = Catalog()
        let instances = (0 ..< services).map { number in
            ServiceInstance(
                registration: Registration(service: name(number), id: "a", host: "10.0.0.1", port: 80),
                incarnation: Incarnation(1), revision: Revision(1),
                registeredAt: WallTime(millisecondsSinceEpoch: 0), changedAt: WallTime(millisecondsSinceEpoch: 0))
        }
        catalog.load(instances, revision: Revision(1))
        return catalog
    }

    private static func ask(_ catalog: Catalog, _ budget: DerivedBudget, _ number: Int) {
        _ = isComputed(catalog, budget, number)
    }

    /// Asks for the value of a service, of 1,000 bytes.
    private static func isComputed(_ catalog: Catalog, _ budget: DerivedBudget, _ number: Int) -> Bool {
        var isComputed = false
        _ = catalog.snapshot(of: name(number)).derivedValue(key, within: budget, size: { _ in 1000 }) { _ in
            isComputed = true
            return number
        }
        return isComputed
    }
}
