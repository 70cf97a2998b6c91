// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

extension RegistryContract {
    static let registrationCases: [RegistryContract] = [
        RegistryContract("what was registered is found with all that was said of it") { subject in
            let registration = Registration(
                service: "orders", id: "orders-ü/1", host: "fd00::7", port: 8443, isSecure: true,
                namedPorts: ["admin": 9000], healthCheck: "/health", tags: ["b", "a"],
                metadata: ["team": "Größe \"1\"", "empty": ""], weight: 7,
                locality: Locality(region: "north", zone: "z1"), node: "host-1", version: "1.2.3")

            let receipt = try await subject.registry.register(registration)

            let found = try #require(try await subject.instance(registration.key))
            #expect(receipt.isNewLife)
            #expect(found.registration == registration)
            #expect(found.incarnation == receipt.incarnation)
            #expect(found.status == .up)
            #expect(found.endpointURL == "https://[fd00::7]:8443")
            #expect(found.healthCheckURL == "https://[fd00::7]:8443/health")
            #expect(found.tags == ["b", "a"])
        },
        RegistryContract("registering an instance again replaces its attributes and keeps its life") { subject in
            var registration = subject.registration()
            registration.metadata = ["old": "1"]
            let first = try await subject.registry.register(registration)
            registration.metadata = ["new": "2"]
            registration.port = 9090

            let second = try await subject.registry.register(registration)

            let found = try #require(try await subject.instance(registration.key))
            #expect(!second.isNewLife)
            #expect(second.incarnation == first.incarnation)
            #expect(found.metadata == ["new": "2"])
            #expect(found.port == 9090)
            #expect(try await subject.lookup("web").count == 1)
        },
        RegistryContract("registering the very same again is no change") { subject in
            let first = try await subject.registry.register(subject.registration())
            let second = try await subject.registry.register(subject.registration())
            #expect(second.instance == first.instance)
            #expect(try await subject.lookup("web").instances == [first.instance])
        },
        RegistryContract("a service that nobody registered is empty, not an error") { subject in
            let snapshot = try await subject.registry.lookup("nothing")
            #expect(snapshot.isEmpty)
            #expect(try await subject.services().isEmpty)
        },
        RegistryContract("deregistering the last instance removes the service") { subject in
            try await subject.registry.register(subject.registration("a"))
            try await subject.registry.register(subject.registration("b"))
            #expect(try await subject.services().map(\.instances) == [2])

            try await subject.registry.deregister(InstanceKey("web", "a"))
            #expect(try await subject.services().map(\.instances) == [1])
            try await subject.registry.deregister(InstanceKey("web", "b"))

            #expect(try await subject.services().isEmpty)
            #expect(try await subject.lookup("web").isEmpty)
        },
        RegistryContract("deregistering what is not registered says so") { subject in
            let error = await subject.failure { () throws(RegistryError) in
                try await subject.registry.deregister(InstanceKey("web", "ghost"))
            }
            #expect(error?.code == .unknownInstance)
        },
        RegistryContract("names of services differ by more than case") { subject in
            try await subject.registry.register(subject.registration("a", service: "Web"))
            try await subject.registry.register(subject.registration("b", service: "wEB"))
            #expect(try await subject.lookup("web").instances.map(\.id) == ["a", "b"])
            #expect(try await subject.services().count == 1)
        },
        RegistryContract("a registration that breaks rules is refused with all its faults, and changes nothing") {
            subject in
            var registration = subject.registration()
            registration.host = "no host"
            registration.namedPorts = ["x": 0]
            registration.tags = ["x", "x"]
            let faulty = registration

            let error = await subject.failure { () throws(RegistryError) in
                try await subject.registry.register(faulty)
            }

            #expect(error?.code == .invalid)
            let fields = error?.faults.map(\.field)
            #expect(fields == ["host", "ports.x", "tags"])
            let snapshot = try await subject.lookup("web")
            #expect(snapshot.isEmpty)
        },
        RegistryContract("the services are listed with their counts and tags, sorted by name") { subject in
            var registration = subject.registration("a", service: "beta")
            registration.tags = ["v2", "blue"]
            try await subject.registry.register(registration)
            try await subject.registry.register(subject.registration("a", service: "alpha"))
            try await subject.registry.register(subject.registration("b", service: "alpha"))
            try await subject.registry.update(
                InstanceKey("alpha", "b"), incarnation: nil, .desired(.maintenance(reason: "disk")))

            let services = try await subject.registry.services()

            #expect(services.map(\.service) == ["alpha", "beta"])
            #expect(services.map(\.instances) == [2, 1])
            #expect(services.map(\.healthy) == [1, 1])
            #expect(services.map(\.tags) == [[], ["blue", "v2"]])
        },
        RegistryContract("registrations from many tasks are all there, each with a revision of its own") { subject in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0 ..< 20 {
                    group.addTask {
                        for number in 0 ..< 10 {
                            try await subject.registry.register(
                                subject.registration(InstanceID("\(task)-\(number)"), port: UInt16(1000 + number)))
                        }
                    }
                }
                try await group.waitForAll()
            }
            let instances = try await subject.registry.lookup("web").instances
            #expect(instances.count == 200)
            #expect(Set(instances.map(\.revision)).count == 200)
        },
    ]

    static let incarnationCases: [RegistryContract] = [
        RegistryContract("a new life has a higher incarnation, and late writes of the former one have no effect") {
            subject in
            let key = subject.registration().key
            let former = try await subject.registry.register(subject.registration(), life: .new).incarnation
            let present = try await subject.registry.register(subject.registration(), life: .new).incarnation
            try #require(!subject.gaps.contains(.incarnations))
            #expect(present > former)

            let late = await subject.failure { () throws(RegistryError) in
                try await subject.registry.deregister(key, incarnation: former)
            }
            let lateUpdate = await subject.failure { () throws(RegistryError) in
                try await subject.registry.update(key, incarnation: former, .readiness(.starting))
            }
            let lateRegistration = await subject.failure { () throws(RegistryError) in
                try await subject.registry.register(subject.registration(), life: .incarnation(former))
            }
            let lateHeartbeat = try await subject.registry.heartbeat(key, incarnation: former)

            #expect(late?.code == .fenced)
            #expect(late?.currentIncarnation == present)
            #expect(lateUpdate?.code == .fenced)
            #expect(lateRegistration?.code == .fenced)
            #expect(lateHeartbeat == .fenced(present))
            let found = try #require(try await subject.instance(key))
            #expect(found.incarnation == present)
            #expect(found.status == .up)
        },
        RegistryContract("a life after a deregistration is a new one") { subject in
            let key = subject.registration().key
            let former = try await subject.registry.register(subject.registration()).incarnation
            try await subject.registry.deregister(key, incarnation: former)

            let receipt = try await subject.registry.register(subject.registration())

            #expect(receipt.isNewLife)
            #expect(receipt.incarnation > former)
            let late = await subject.failure { () throws(RegistryError) in
                try await subject.registry.deregister(key, incarnation: former)
            }
            #expect(late?.code == .fenced)
            #expect(try await subject.instance(key) != nil)
        },
        RegistryContract("a registration may name its incarnation, and a higher one begins a new life") { subject in
            let first = try await subject.registry.register(
                subject.registration(), life: .incarnation(Incarnation(500)))
            let same = try await subject.registry.register(subject.registration(), life: .incarnation(Incarnation(500)))
            let next = try await subject.registry.register(subject.registration(), life: .incarnation(Incarnation(501)))
            #expect([first, same, next].map(\.incarnation.value) == [500, 500, 501])
            #expect([first, same, next].map(\.isNewLife) == [true, false, true])
        },
        RegistryContract("there is a higher incarnation after each that may be named") { subject in
            let highest = Incarnation.highestNamed
            for named in [Incarnation(highest.value + 1), Incarnation(.max)] {
                let error = await subject.failure { () throws(RegistryError) in
                    try await subject.registry.register(subject.registration(), life: .incarnation(named))
                }
                #expect(error?.code == .invalid)
            }
            let first = try await subject.registry.register(subject.registration(), life: .incarnation(highest))
            #expect(first.incarnation == highest)
            let next = try await subject.registry.register(subject.registration(), life: .new)
            #expect(next.incarnation > highest)
            let same = try await subject.registry.register(
                subject.registration(), life: .incarnation(next.incarnation))
            #expect(!same.isNewLife)
        },
        RegistryContract("a new life forgets what was said of the former one, but maintenance stays") { subject in
            let key = subject.registration().key
            try await subject.registry.register(subject.registration())
            try await subject.registry.update(key, incarnation: nil, .desired(.draining(until: nil, reason: "moving")))
            try await subject.registry.register(subject.registration(), life: .new)
            #expect(try await subject.instance(key)?.status == .up)

            try await subject.registry.update(key, incarnation: nil, .desired(.maintenance(reason: "disk")))
            try await subject.registry.register(subject.registration(), life: .new)
            #expect(try await subject.instance(key)?.desired == .maintenance(reason: "disk"))
        },
    ]
}
