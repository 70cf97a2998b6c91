// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

extension RegistryContract {
    static let leaseCases: [RegistryContract] = [
        RegistryContract("a heartbeat of an unknown instance says so") { subject in
            let outcome = try await subject.registry.heartbeat(InstanceKey("web", "ghost"))
            #expect(outcome == .unknown)
        },
        RegistryContract("the outcomes of many heartbeats come in their order") { subject in
            let first = try await subject.registry.register(subject.registration("a"))
            try await subject.registry.register(subject.registration("b"))
            let wrong = Incarnation(first.incarnation.value + 1_000_000)
            let outcomes = try await subject.registry.heartbeat([
                Heartbeat(InstanceKey("web", "b")),
                Heartbeat(InstanceKey("web", "ghost")),
                Heartbeat(InstanceKey("web", "a"), incarnation: first.incarnation),
                Heartbeat(InstanceKey("web", "a"), incarnation: wrong),
            ])
            #expect(outcomes == [.renewed, .unknown, .renewed, .fenced(first.incarnation)])
        },
        RegistryContract("an instance without heartbeats goes down after its ttl, and a heartbeat brings it back") {
            subject in
            let key = subject.registration().key
            try await subject.registry.register(subject.registration())

            try await subject.advance(by: .seconds(31))
            let down = try await subject.wait(for: key) { $0?.status == .down }
            #expect(down?.leaseState == .lapsed)

            #expect(try await subject.heartbeat(key) == .renewed)
            #expect(try await subject.instance(key)?.status == .up)
        },
        RegistryContract("an instance that came back goes down again on time") { subject in
            let key = subject.registration().key
            try await subject.registry.register(subject.registration())
            for _ in 0 ..< 3 {
                try await subject.advance(by: .seconds(31))
                try await subject.wait(for: key) { $0?.status == .down }
                #expect(try await subject.heartbeat(key) == .renewed)
            }
        },
        RegistryContract("registering again brings an instance back that was down") { subject in
            let key = subject.registration().key
            try await subject.registry.register(subject.registration())
            try await subject.advance(by: .seconds(31))
            try await subject.wait(for: key) { $0?.status == .down }

            let receipt = try await subject.registry.register(subject.registration())

            #expect(!receipt.isNewLife)
            #expect(try await subject.instance(key)?.status == .up)
        },
        RegistryContract("an instance that stays silent is evicted") { subject in
            let key = subject.registration().key
            try await subject.registry.register(subject.registration())
            try await subject.advance(by: .seconds(31))
            try await subject.wait(for: key) { $0?.status == .down }
            try await subject.advance(by: .seconds(60))
            try await subject.wait(for: key) { $0 == nil }
            #expect(try await subject.heartbeat(key) == .unknown)
            #expect(try await subject.services().isEmpty)
        },
        RegistryContract("heartbeats keep an instance up") { subject in
            let key = subject.registration().key
            let registered = try await subject.registry.register(subject.registration()).instance
            for _ in 0 ..< 10 {
                try await subject.advance(by: .seconds(20))
                #expect(try await subject.heartbeat(key) == .renewed)
            }
            #expect(try await subject.instance(key) == registered)
        },
        RegistryContract("terms of a lease can be shorter, and change with a registration") { subject in
            var registration = subject.registration()
            registration.lease = LeaseTerms(ttl: .seconds(3), evictAfter: .seconds(6))
            let key = registration.key
            try await subject.registry.register(registration)
            try await subject.advance(by: .seconds(4))
            try await subject.wait(for: key) { $0?.status == .down }

            registration.lease = LeaseTerms(ttl: .seconds(300))
            try await subject.registry.register(registration)
            try await subject.advance(by: .seconds(100))
            #expect(try await subject.heartbeat(key) == .renewed)
            #expect(try await subject.instance(key)?.status == .up)
        },
        RegistryContract("an instance without a lease stays, and its heartbeats are welcome") { subject in
            var registration = subject.registration()
            registration.lease = .permanent
            try await subject.registry.register(registration)
            try await subject.registry.register(subject.registration("mortal"))
            try await subject.advance(by: .seconds(31))
            try await subject.wait(for: InstanceKey("web", "mortal")) { $0?.status == .down }
            try await subject.advance(by: .seconds(60))
            try await subject.wait(for: InstanceKey("web", "mortal")) { $0 == nil }
            #expect(try await subject.instance(registration.key)?.status == .up)
            #expect(try await subject.heartbeat(registration.key) == .renewed)
        },
        RegistryContract("when all heartbeats stop, nothing is evicted, and all come back up with them") { subject in
            let keys = (0 ..< 20).map { InstanceKey("web", InstanceID("web-\($0)")) }
            for key in keys { try await subject.registry.register(subject.registration(key.id)) }
            var mirror = WatchMirror(subject.registry.watch(.all))

            try await subject.advance(by: .seconds(31))
            try await mirror.read { mirror in keys.allSatisfy { mirror.instances[$0]?.status == .suspect } }
            try await subject.advance(by: .seconds(600))
            let outcomes = try await subject.registry.heartbeat(keys.map { Heartbeat($0) })

            #expect(Set(outcomes) == [.renewed])
            try await mirror.read { mirror in keys.allSatisfy { mirror.instances[$0]?.status == .up } }
            let removals = mirror.changes.filter(\.isRemoval)
            #expect(removals.isEmpty)
        },
    ]

    static let stateCases: [RegistryContract] = [
        RegistryContract("an operator drains, takes out of service and enables an instance, and it stays so") {
            subject in
            let key = subject.registration().key
            try await subject.registry.register(subject.registration())

            let draining = try await subject.registry.update(
                key, incarnation: nil, .desired(.draining(until: nil, reason: "moving")))
            #expect(draining.status == .draining)
            var changed = subject.registration()
            changed.metadata = ["a": "b"]
            try await subject.registry.register(changed)
            #expect(try await subject.instance(key)?.desired == .draining(until: nil, reason: "moving"))

            try await subject.registry.update(key, incarnation: nil, .desired(.maintenance(reason: "disk")))
            #expect(try await subject.instance(key)?.status == .outOfService)
            try await subject.registry.update(key, incarnation: nil, .desired(.enabled))
            #expect(try await subject.instance(key)?.status == .up)
        },
        RegistryContract("an instance that is starting is not up until it says so") { subject in
            var registration = subject.registration()
            registration.readiness = .starting
            try await subject.registry.register(registration)
            #expect(try await subject.instance(registration.key)?.status == .starting)
            #expect(try await subject.lookup("web").healthy.isEmpty)
            try await subject.registry.update(registration.key, incarnation: nil, .readiness(.ready))
            #expect(try await subject.instance(registration.key)?.status == .up)
        },
        RegistryContract("the worst check decides") { subject in
            try #require(!subject.gaps.contains(.checks))
            let key = subject.registration().key
            try await subject.registry.register(subject.registration())
            let begun = try await subject.report(key, "disk", .passing)
            let warned = try await subject.report(key, "http", .warning)
            #expect(begun == .up)
            #expect(warned == .warning)
            let failed = try await subject.report(key, "disk", .critical)
            #expect(failed == .down)
            #expect(try await subject.instance(key)?.checks.first?.output == "said critical")
            let recovered = try await subject.report(key, "disk", .passing)
            #expect(recovered == .warning)
            try await subject.registry.update(key, incarnation: nil, .removeCheck(id: "http"))
            #expect(try await subject.instance(key)?.status == .up)
        },
        RegistryContract("a change of an instance that is not registered says so") { subject in
            let error = await subject.failure { () throws(RegistryError) in
                try await subject.registry.update(InstanceKey("web", "ghost"), incarnation: nil, .desired(.enabled))
            }
            #expect(error?.code == .unknownInstance)
        },
    ]
}
