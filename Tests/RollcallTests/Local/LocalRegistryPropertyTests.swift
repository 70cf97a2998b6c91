// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

/// Random sequences of writes against a slow and obvious model of what they should do.
@Suite("The decisions of the local registry")
struct LocalRegistryPropertyTests {
    @Test("every sequence of writes and lease findings ends as the model says", arguments: 0 ..< 400 as Range<UInt64>)
    func sequences(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let catalog = Catalog()
        var model = Model()
        for _ in 0 ..< 40 {
            var batch = ChangeBatch(
                after: catalog.revision, limits: .standard, now: .zero, wallTime: WallTime(millisecondsSinceEpoch: 0),
                published: catalog.instance)
            for _ in 0 ..< Int.random(in: 1 ... 4, using: &random) {
                step(&batch, &model, using: &random)
            }
            let before = catalog.revision
            #expect(batch.changes.map(\.revision.value) == Array(before.value + 1 ..< batch.revision.value + 1))
            catalog.publish(batch.changes)
            let published = Dictionary(
                uniqueKeysWithValues: catalog.snapshots().services.flatMap(\.instances).map { ($0.key, $0) })
            #expect(published.mapValues(Model.Entry.init) == model.entries, "seed \(seed)")
        }
    }

    private func step(_ batch: inout ChangeBatch, _ model: inout Model, using random: inout SeededGenerator) {
        let key = InstanceKey("web", InstanceID("\(Int.random(in: 0 ..< 3, using: &random))"))
        let named = Bool.random(using: &random) ? nil : model.someIncarnation(of: key, using: &random)
        switch Int.random(in: 0 ..< 6, using: &random) {
        case 0, 1:
            let port = UInt16.random(in: 1 ... 2, using: &random)
            let lives: [Life] = [.present, .new, named.map { .incarnation($0) } ?? .present]
            let life = lives.randomElement(using: &random) ?? .present
            let registration = Registration(service: key.service, id: key.id, host: "h", port: port)
            let receipt = try? batch.register(registration, life: life)
            model.register(key, port, life, receipt)
        case 2:
            let removed = (try? batch.deregister(key, incarnation: named)) != nil
            #expect(removed == model.deregister(key, named))
        case 3:
            let states: [DesiredState] = [.enabled, .draining(until: nil, reason: "r"), .maintenance(reason: "m")]
            let desired = states.randomElement(using: &random) ?? .enabled
            let changed = (try? batch.update(key, incarnation: named, .desired(desired))) != nil
            #expect(changed == model.setDesired(key, named, desired))
        default:
            let findings: [LeaseFinding] = [.lapsed, .suspected, .released, .revived, .overdue]
            guard let finding = findings.randomElement(using: &random), let entry = model.entries[key] else { return }
            batch.apply(finding, to: key, incarnation: named ?? entry.incarnation)
            model.find(
                finding, key, named ?? entry.incarnation,
                wasGranted: batch.leaseActions.contains { action in
                    if case .grant(key, _, _) = action { true } else { false }
                })
        }
    }
}

/// What the registry should hold, the obvious way.
private struct Model {
    struct Entry: Hashable {
        var incarnation: Incarnation
        var port: UInt16
        var desired: DesiredState
        var lease: LeaseState

        init(incarnation: Incarnation, port: UInt16, desired: DesiredState = .enabled, lease: LeaseState = .current) {
            self.incarnation = incarnation
            self.port = port
            self.desired = desired
            self.lease = lease
        }

        init(_ instance: ServiceInstance) {
            self.init(
                incarnation: instance.incarnation, port: instance.port, desired: instance.desired,
                lease: instance.leaseState)
        }
    }

    var entries: [InstanceKey: Entry] = [:]
    /// All incarnations ever given out, to be named late.
    var former: [InstanceKey: [Incarnation]] = [:]

    func someIncarnation(of key: InstanceKey, using random: inout SeededGenerator) -> Incarnation? {
        former[key]?.randomElement(using: &random)
    }

    mutating func register(_ key: InstanceKey, _ port: UInt16, _ life: Life, _ receipt: RegistrationReceipt?) {
        let present = entries[key]
        if case .incarnation(let named) = life, let present, named < present.incarnation {
            #expect(receipt == nil)
            return
        }
        guard let receipt else {
            Issue.record("a registration was refused")
            return
        }
        let isNewLife: Bool =
            switch life {
            case .new: true
            case .present: present == nil
            case .incarnation(let named): present.map { named > $0.incarnation } ?? true
            }
        #expect(receipt.isNewLife == isNewLife)
        if isNewLife {
            if case .incarnation(let named) = life {
                #expect(receipt.incarnation == named)
            } else {
                #expect(receipt.incarnation > (former[key]?.max() ?? Incarnation(0)))
            }
            former[key, default: []].append(receipt.incarnation)
            var kept = DesiredState.enabled
            if case .maintenance = present?.desired { kept = present?.desired ?? .enabled }
            entries[key] = Entry(incarnation: receipt.incarnation, port: port, desired: kept)
        } else {
            #expect(receipt.incarnation == present?.incarnation)
            entries[key]?.port = port
            entries[key]?.lease = .current
        }
    }

    mutating func deregister(_ key: InstanceKey, _ named: Incarnation?) -> Bool {
        guard let present = entries[key], named == nil || named == present.incarnation else { return false }
        entries[key] = nil
        return true
    }

    mutating func setDesired(_ key: InstanceKey, _ named: Incarnation?, _ desired: DesiredState) -> Bool {
        guard let present = entries[key], named == nil || named == present.incarnation else { return false }
        entries[key]?.desired = desired
        return true
    }

    mutating func find(_ finding: LeaseFinding, _ key: InstanceKey, _ named: Incarnation, wasGranted: Bool) {
        guard let present = entries[key], present.incarnation == named, !wasGranted else { return }
        switch finding {
        case .lapsed, .released: entries[key]?.lease = .lapsed
        case .suspected: entries[key]?.lease = .suspect
        case .revived: entries[key]?.lease = .current
        case .overdue: entries[key] = nil
        }
    }
}
