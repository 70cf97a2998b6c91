// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

extension RegistryContract {
    static let checkCases: [RegistryContract] = [
        RegistryContract("declared checks are found with the registration, and begin with their first status") {
            subject in
            try #require(!subject.gaps.contains(.checks))
            let registration = subject.checkedRegistration()

            let receipt = try await subject.registry.register(registration)

            #expect(receipt.instance.registration.checks == registration.checks)
            let found = try #require(try await subject.instance(registration.key))
            #expect(found.registration == registration)
            #expect(found.checks.map(\.id) == ["alive", "http", "tcp"])
            #expect(found.checks.map(\.status) == [.critical, .critical, .passing])
            #expect(found.status == .down)
        },
        RegistryContract("registering again keeps the results of the checks that ask the same as before") { subject in
            try #require(!subject.gaps.contains(.checks))
            var registration = subject.checkedRegistration()
            let key = registration.key
            try await subject.registry.register(registration)
            for id in ["http", "alive", "tcp", "extra"] { _ = try await subject.report(key, id, .warning) }
            registration.checks[0].interval = .seconds(3)
            registration.checks[1] = CheckDefinition(id: "alive", kind: .ttl(.seconds(99)))
            registration.checks[2] = CheckDefinition(id: "new", kind: .tcp(target: ":1"), initialStatus: .passing)

            try await subject.registry.register(registration)

            let found = try #require(try await subject.instance(key))
            #expect(found.checks.map(\.id) == ["alive", "extra", "http", "new"])
            #expect(found.checks.map(\.status) == [.critical, .warning, .warning, .passing])
            #expect(found.checks.map(\.output) == ["", "said warning", "said warning", ""])
        },
        RegistryContract("a new life begins with the first status of its checks") { subject in
            try #require(!subject.gaps.contains(.checks) && !subject.gaps.contains(.incarnations))
            let registration = subject.checkedRegistration()
            try await subject.registry.register(registration)
            _ = try await subject.report(registration.key, "http", .passing)
            _ = try await subject.report(registration.key, "extra", .passing)

            let receipt = try await subject.registry.register(registration, life: .new)

            #expect(receipt.instance.checks.map(\.id) == ["alive", "http", "tcp"])
            #expect(receipt.instance.checks.map(\.status) == [.critical, .critical, .passing])
        },
        RegistryContract("the output of a check can be replaced while its status stays") { subject in
            try #require(!subject.gaps.contains(.checks))
            let key = subject.registration().key
            try await subject.registry.register(subject.registration())
            _ = try await subject.report(key, "disk", .warning)
            let before = try #require(try await subject.instance(key)?.checks.first)

            let after = try await subject.registry.update(
                key, incarnation: nil, .checkOutput(id: "disk", output: "91 %"))

            #expect(after.checks.map(\.output) == ["91 %"])
            #expect(after.checks.map(\.status) == [.warning])
            #expect(after.checks.first?.since == before.since)
            #expect(try await subject.instance(key)?.checks == after.checks)
            let unknown = await subject.failure { () throws(RegistryError) in
                try await subject.registry.update(key, incarnation: nil, .checkOutput(id: "ghost", output: ""))
            }
            #expect(unknown?.code == .invalid)
        },
        RegistryContract("a declared check is not forgotten by itself") { subject in
            try #require(!subject.gaps.contains(.checks))
            let registration = subject.checkedRegistration()
            try await subject.registry.register(registration)
            let error = await subject.failure { () throws(RegistryError) in
                try await subject.registry.update(registration.key, incarnation: nil, .removeCheck(id: "http"))
            }
            #expect(error?.code == .invalid)
        },
        RegistryContract("declared checks that break rules are refused with all their faults") { subject in
            try #require(!subject.gaps.contains(.checks))
            var registration = subject.registration()
            registration.checks = [
                CheckDefinition(kind: .http(HTTPCheck(target: "health", method: "G T"))),
                CheckDefinition(kind: .tcp(target: "a:b"), interval: .zero, failureThreshold: 0),
                CheckDefinition(id: "tcp", kind: .command([])),
            ]
            let faulty = registration

            let error = await subject.failure { () throws(RegistryError) in
                try await subject.registry.register(faulty)
            }

            #expect(error?.code == .invalid)
            let fields = error?.faults.map(\.field)
            #expect(
                fields == [
                    "checks[0].target", "checks[0].method", "checks[1].target", "checks[1].intervalSeconds",
                    "checks[1].failureThreshold", "checks[2].command", "checks[2].id",
                ])
        },
    ]
}

extension ContractSubject {
    fileprivate func checkedRegistration() -> Registration {
        var registration = registration()
        registration.checks = [
            CheckDefinition(
                kind: .http(HTTPCheck(target: "/health", headers: ["X-From": "Größe"], bodyContains: "ok")),
                failureThreshold: 3, deregisterAfter: .seconds(600)),
            CheckDefinition(id: "alive", name: "says so", kind: .ttl(.seconds(20))),
            CheckDefinition(kind: .tcp(target: ":9000"), initialStatus: .passing),
        ]
        return registration
    }
}
