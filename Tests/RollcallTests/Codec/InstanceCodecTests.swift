// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Instances as JSON")
struct InstanceCodecTests {
    @Test("what was written is read back, for generated instances", arguments: 0 ..< 20 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0 ..< 100 {
            let instance = randomInstance(using: &random)
            let bytes = instance.jsonBytes(includingShadows: true)
            let read = try ServiceInstance(json: bytes)
            #expect(read == instance, "seed \(seed): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test("a registration that was read can be sent back with what the registry derived")
    func editedAnswer() throws {
        var random = SeededGenerator(seed: 77)
        for _ in 0 ..< 100 {
            let instance = randomInstance(using: &random)
            let document = try JSONReader.read(instance.jsonBytes()) { reader throws(JSONError) in
                try InstanceDocument(from: &reader, unknownFields: .refused)
            }
            var expected = instance.registration
            expected.shadows = [:]
            #expect(try document.registration() == expected)
        }
    }

    @Test("unknown fields of a registration are refused by their names, with what else is wrong")
    func unknownFields() throws {
        let text = Array(#"{"host": "h", "prot": 2, "lease": {"ttl": 1, "kind": "none"}, "shadows": {}}"#.utf8)
        func document(_ unknownFields: InstanceDocument.UnknownFields) throws(JSONError) -> InstanceDocument {
            try JSONReader.read(text) { reader throws(JSONError) in
                try InstanceDocument(from: &reader, unknownFields: unknownFields)
            }
        }

        let refused = #expect(throws: RegistryError.self) { try document(.refused).registration(service: "web") }
        let ignored = #expect(throws: RegistryError.self) { try document(.ignored).registration(service: "web") }

        #expect(refused?.code == .invalid)
        #expect(refused?.faults.map(\.field) == ["prot", "lease.ttl", "shadows", "port"])
        #expect(ignored?.faults.map(\.field) == ["port"])
    }

    @Test(
        "values out of their range are refused",
        arguments: [
            #"{"port": 65536}"#, #"{"port": -1}"#, #"{"weight": 1.5}"#, #"{"lease": {"ttlSeconds": -1}}"#,
            #"{"lease": {"kind": "forever"}}"#, #"{"readiness": "maybe"}"#, #"{"tags": "a"}"#,
            #"{"metadata": {"a": 1}}"#,
            #"{"checks": [{"kind": "http", "expectedStatus": "2xx"}]}"#, #"{"checks": [{"status": "good"}]}"#,
            #"{"state": {"desired": "gone"}}"#, #"{"registeredAt": "today"}"#,
        ])
    func outOfRange(text: String) {
        #expect(throws: JSONError.self) {
            try JSONReader.read(Array(text.utf8)) { reader throws(JSONError) in
                try InstanceDocument(from: &reader, unknownFields: .refused)
            }
        }
    }

    @Test("parts that only one dialect defines are not shown to callers")
    func shadows() {
        var registration = Registration(service: "web", host: "h", port: 1)
        registration.shadows = ["consul": Array(#"{"Kind":"x"}"#.utf8)]
        let instance = ServiceInstance(
            registration: registration, incarnation: Incarnation(1), revision: Revision(1),
            registeredAt: WallTime(millisecondsSinceEpoch: 0), changedAt: WallTime(millisecondsSinceEpoch: 0))
        #expect(!String(decoding: instance.jsonBytes(), as: UTF8.self).contains("consul"))
        #expect(String(decoding: instance.jsonBytes(includingShadows: true), as: UTF8.self).contains(#"{"Kind":"x"}"#))
    }

    private func randomInstance(using random: inout SeededGenerator) -> ServiceInstance {
        func text(_ most: Int) -> String {
            let scalars: [Character] = ["a", "B", "7", "-", "\"", "\\", "ü", "🙂", " ", "/", "\u{2028}"]
            return String(
                (0 ..< Int.random(in: 1 ... most, using: &random)).map { _ in
                    scalars.randomElement(using: &random) ?? "x"
                })
        }
        func time() -> WallTime {
            WallTime(millisecondsSinceEpoch: Int64.random(in: 0 ... 4_000_000_000_000, using: &random))
        }
        var registration = Registration(
            service: ServiceName(text(20)), id: InstanceID(text(30)), host: text(10),
            port: UInt16.random(in: 1 ... 65535, using: &random))
        registration.isSecure = Bool.random(using: &random)
        for _ in 0 ..< Int.random(in: 0 ... 3, using: &random) {
            registration.namedPorts[text(5)] = UInt16.random(in: 1 ... 65535, using: &random)
            registration.tags.append(text(6))
            registration.metadata[text(6)] = text(20)
            registration.shadows[text(4)] = Array(#"{"a":[1,null,"é"]}"#.utf8)
        }
        if Bool.random(using: &random) { registration.healthCheck = text(10) }
        registration.weight = UInt16.random(in: 0 ... 65535, using: &random)
        if Bool.random(using: &random) { registration.locality = Locality(region: text(5), zone: text(5)) }
        if Bool.random(using: &random) { registration.node = text(5) }
        if Bool.random(using: &random) { registration.version = text(5) }
        registration.checks = randomChecks(using: &random)
        registration.readiness = Readiness.allCases.randomElement(using: &random) ?? .ready
        if Bool.random(using: &random) {
            let ttl = Duration.milliseconds(Int.random(in: 500 ... 900_000, using: &random))
            registration.lease = LeaseTerms(ttl: ttl, evictAfter: ttl * Int.random(in: 1 ... 4, using: &random))
        } else {
            registration.lease = .permanent
        }
        let desired: [DesiredState] = [
            .enabled, .draining(until: nil, reason: text(5)), .draining(until: time(), reason: ""),
            .maintenance(reason: text(5)), .maintenance(reason: ""),
        ]
        let checks = (0 ..< Int.random(in: 0 ... 3, using: &random)).map { number in
            HealthCheck(
                id: "\(number)", status: HealthCheck.Status.allCases.randomElement(using: &random) ?? .passing,
                output: text(20), since: time())
        }
        let states = registration.lease.kind == .none ? [.current] : LeaseState.allCases
        return ServiceInstance(
            registration: registration, incarnation: Incarnation(UInt64(Int64.random(in: 1 ... .max, using: &random))),
            desired: desired.randomElement(using: &random) ?? .enabled, checks: checks,
            leaseState: states.randomElement(using: &random) ?? .current,
            revision: Revision(UInt64(Int64.random(in: 1 ... .max, using: &random))), registeredAt: time(),
            changedAt: time())
    }

    @Test("what is wrong with declared checks is told with its place")
    func checkFaults() throws {
        let text = Array(
            #"""
            {"host": "h", "port": 1, "checks": [
              {"kind": "ping"}, {"id": "x"}, {"kind": "ttl"}, {"kind": "tcp", "tagret": ":1"},
              {"id": "old", "status": "passing", "since": "2026-01-01T00:00:00Z"}]}
            """#.utf8)

        let error = #expect(throws: RegistryError.self) {
            try JSONReader.read(text) { reader throws(JSONError) in
                try InstanceDocument(from: &reader, unknownFields: .refused)
            }.registration(service: "web")
        }

        #expect(
            error?.faults.map(\.field) == [
                "checks[0].kind", "checks[1].kind", "checks[2].ttlSeconds", "checks[3].tagret",
            ])
    }

    @Test("results that no registration declares are read as they were written before there were declarations")
    func formerResults() throws {
        let text = #"""
            {"service": "web", "id": "a", "incarnation": 3, "host": "h", "port": 1, "revision": 4,
             "checks": [{"id": "disk", "status": "critical", "output": "full", "since": "2026-01-01T00:00:00.000Z"}]}
            """#
        let instance = try ServiceInstance(json: Array(text.utf8))
        #expect(instance.checks.map(\.output) == ["full"])
        #expect(instance.registration.checks.isEmpty)
    }
}
