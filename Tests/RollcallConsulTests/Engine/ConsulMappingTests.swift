// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallConsul

@Suite("What the engine writes to Consul, and reads back")
struct ConsulMappingTests {
    /// The entry that Consul shows of a registration.
    private func entry(_ registration: Registration, _ incarnation: Incarnation = Incarnation(7)) throws
        -> ConsulHealthEntry
    {
        let body = try ConsulRegistration(
            registration, incarnation: incarnation, registeredAt: WallTime(millisecondsSinceEpoch: 1_700_000_000_000))
        let json = try JSONValue.parse(body.json)
        var service = ConsulService(
            id: try #require(json["ID"]?.stringValue), name: try #require(json["Name"]?.stringValue))
        service.tags = json["Tags"]?.arrayValue?.compactMap(\.stringValue) ?? []
        service.address = json["Address"]?.stringValue ?? ""
        service.port = Int(json["Port"]?.intValue ?? 0)
        service.passingWeight = Int(json["Weights"]?["Passing"]?.intValue ?? 0)
        for member in json["Meta"]?.objectValue ?? [] { service.meta[member.key] = member.value.stringValue }
        #expect(service.meta.count <= 64)
        for (key, value) in service.meta {
            #expect(key.utf8.count <= 128)
            #expect(value.utf8.count <= 512)
        }
        return ConsulHealthEntry(
            node: ConsulNode(name: "n1", address: "10.0.0.1", datacenter: "dc1"), service: service, checks: [])
    }

    @Test("what was registered is what is read, whatever Consul lacks")
    func full() throws {
        var registration = Registration(
            service: "Orders", id: "orders-ü/1", host: "fd00::7", port: 8443, isSecure: true,
            namedPorts: ["admin": 9000, "größe": 1], healthCheck: "/health", tags: ["b", "a"],
            metadata: ["team": "Größe \"1\"", "empty": ""], weight: 0,
            locality: Locality(region: "north", zone: "z 1"), node: "host-1", version: "1.2.3", readiness: .starting,
            lease: LeaseTerms(ttl: .milliseconds(1500), evictAfter: .seconds(90)),
            checks: [
                CheckDefinition(id: "http", kind: .http(HTTPCheck(target: "/h", headers: ["X-From": "Größe"]))),
                CheckDefinition(id: "t", kind: .ttl(.seconds(9)), deregisterAfter: .seconds(60)),
                CheckDefinition(kind: .command(["a", String(repeating: "é", count: 700)])),
                CheckDefinition(kind: .alias(InstanceKey("db", "1"))),
            ],
            shadows: ["eureka": Array(#"{"a":"ü","b":[1]}"#.utf8)])
        #expect(ServiceInstance(try entry(registration)).registration == registration)
        let instance = ServiceInstance(try entry(registration))
        #expect(instance.incarnation == Incarnation(7))
        #expect(instance.registeredAt == WallTime(millisecondsSinceEpoch: 1_700_000_000_000))
        registration.lease = .permanent
        registration.checks = []
        registration.weight = 9
        #expect(ServiceInstance(try entry(registration)).registration == registration)
    }

    @Test("random registrations come back as they were", arguments: [1, 2, 3] as [UInt64])
    func property(seed: UInt64) throws {
        var source = RandomRegistration(seed: seed)
        for round in 0 ..< 300 {
            let registration = source.registration()
            let read = ServiceInstance(try entry(registration)).registration
            #expect(read == registration, "seed \(seed), round \(round)")
        }
    }

    @Test("what others change in Consul's own fields is what is read")
    func changed() throws {
        let registration = Registration(service: "web", id: "1", host: "a", port: 1, tags: ["x"], weight: 2)
        var entry = try entry(registration)
        entry.service.tags = ["y", "", "y"]
        entry.service.port = 2
        entry.service.meta["more"] = "1"
        entry.service.meta["rollcall-lease"] = "nonsense"
        entry.service.meta["rollcall-json-0"] = "{"
        entry.service.passingWeight = 5
        let read = ServiceInstance(entry).registration
        #expect(read.tags == ["y"])
        #expect(read.port == 2)
        #expect(read.weight == 5)
        #expect(read.metadata == ["more": "1"])
        #expect(read.lease == .permanent)
    }

    @Test("identifiers of different instances differ, and hold nothing that disturbs a path")
    func identifiers() {
        let keys = [
            InstanceKey("web", "1"), InstanceKey("web", "a:1"), InstanceKey("web:a", "1"), InstanceKey("web", "a/1"),
            InstanceKey("web", "a~2F1"), InstanceKey("web", ".."), InstanceKey("web", "ä"), InstanceKey("wEB", "A"),
            InstanceKey("web", "a"),
        ]
        let ids = keys.map(ConsulNaming.id)
        #expect(Set(ids).count == keys.count)
        #expect(ids[0] == "web:1")
        #expect(ids[3] == "web:a~2F1")
        #expect(ids[7] == "web:A")
    }

    @Test("what Consul cannot keep is refused with all that is wrong")
    func limits() {
        var registration = Registration(service: "web", id: "1", host: "a", port: 1)
        registration.metadata = [
            "a.b": "1", "rollcall-id": "1", "consul-x": "1", "long": String(repeating: "é", count: 257),
            String(repeating: "k", count: 129): "1",
        ]
        registration.version = String(repeating: "v", count: 513)
        do throws(RegistryError) {
            _ = try ConsulRegistration(registration, incarnation: Incarnation(1), registeredAt: .current())
            Issue.record("an error was expected")
        } catch {
            #expect(error.code == .invalid)
            #expect(error.faults.count == 6)
            #expect(error.faults.first?.field == "version")
        }
        registration.metadata = Dictionary(uniqueKeysWithValues: (0 ..< 61).map { ("k\($0)", "") })
        registration.version = ""
        #expect(throws: RegistryError.self) {
            try ConsulRegistration(registration, incarnation: Incarnation(1), registeredAt: .current())
        }
        registration.metadata["k0"] = nil
        #expect(throws: Never.self) {
            try ConsulRegistration(registration, incarnation: Incarnation(1), registeredAt: .current())
        }
    }

    static let beyondConsul: [Registration] = {
        var connected = Registration(service: "web", id: "1", host: "a", port: 1)
        connected.lease = LeaseTerms(kind: .connection)
        var searching = Registration(service: "web", id: "1", host: "a", port: 1)
        searching.checks = [CheckDefinition(kind: .http(HTTPCheck(target: "/", bodyContains: "ok")))]
        var picky = searching
        picky.checks = [CheckDefinition(kind: .http(HTTPCheck(target: "/", expectedStatus: 200 ... 200)))]
        return [connected, searching, picky]
    }()

    @Test("what Consul cannot do is refused", arguments: beyondConsul)
    func unsupported(registration: Registration) {
        do throws(RegistryError) {
            _ = try ConsulRegistration(registration, incarnation: Incarnation(1), registeredAt: .current())
            Issue.record("an error was expected")
        } catch {
            #expect(error.code == .unsupported)
        }
    }

    @Test("a lease is a TTL check that passes, and checks say what they ask in Consul's words")
    func checks() throws {
        let registration = Registration(
            service: "web", id: "1", host: "fd00::1", port: 80, isSecure: true,
            lease: LeaseTerms(ttl: .seconds(30), evictAfter: .seconds(150)),
            checks: [
                CheckDefinition(
                    kind: .http(HTTPCheck(target: "/h", method: "HEAD", headers: ["A": "b"], skipsVerification: true)),
                    interval: .milliseconds(1500), timeout: .seconds(2), successThreshold: 2, failureThreshold: 3,
                    initialStatus: .passing, deregisterAfter: .seconds(600)),
                CheckDefinition(kind: .tcp(target: "")), CheckDefinition(id: "t2", kind: .tcp(target: ":9")),
                CheckDefinition(kind: .grpc(GRPCCheck(target: "h:1", service: "s", isSecure: true))),
                CheckDefinition(kind: .command(["a", "b"])), CheckDefinition(kind: .ttl(.seconds(9))),
                CheckDefinition(kind: .alias(InstanceKey("db", "1"))),
            ])
        let body = try ConsulRegistration(registration, incarnation: Incarnation(5), registeredAt: .current())
        let json = try JSONValue.parse(body.json)
        var texts: [String] = []
        for check in json["Checks"]?.arrayValue ?? [] {
            var writer = JSONWriter()
            check.write(to: &writer)
            texts.append(String(decoding: writer.bytes, as: UTF8.self))
        }
        #expect(
            texts == [
                #"{"CheckID":"lease:web:1:5","Name":"Heartbeats","TTL":"30s","Status":"passing","#
                    + #""DeregisterCriticalServiceAfter":"2m0s"}"#,
                #"{"CheckID":"check:web:1:http","Name":"http","Status":"passing","HTTP":"https://[fd00::1]:80/h","#
                    + #""Method":"HEAD","Header":{"A":["b"]},"TLSSkipVerify":true,"Interval":"1.5s","Timeout":"2s","#
                    + #""SuccessBeforePassing":1,"FailuresBeforeCritical":2,"#
                    + #""DeregisterCriticalServiceAfter":"10m0s"}"#,
                #"{"CheckID":"check:web:1:tcp","Name":"tcp","Status":"critical","TCP":"[fd00::1]:80","#
                    + #""Interval":"10s","Timeout":"5s"}"#,
                #"{"CheckID":"check:web:1:t2","Name":"t2","Status":"critical","TCP":"[fd00::1]:9","#
                    + #""Interval":"10s","Timeout":"5s"}"#,
                #"{"CheckID":"check:web:1:grpc","Name":"grpc","Status":"critical","GRPC":"h:1/s","GRPCUseTLS":true,"#
                    + #""Interval":"10s","Timeout":"5s"}"#,
                #"{"CheckID":"check:web:1:command","Name":"command","Status":"critical","ScriptArgs":["a","b"],"#
                    + #""Interval":"10s","Timeout":"5s"}"#,
                #"{"CheckID":"check:web:1:ttl","Name":"ttl","Status":"critical","TTL":"9s"}"#,
                #"{"CheckID":"check:web:1:alias","Name":"alias","Status":"critical","AliasService":"db:1"}"#,
            ])
    }

    @Test("desired states come back from the reason of a maintenance", arguments: [
        DesiredState.maintenance(reason: ""), .maintenance(reason: "disk"), .maintenance(reason: "draining"),
        .maintenance(reason: "draining: x"), .maintenance(reason: "maintenance"),
        .maintenance(reason: "maintenance: x"),
        .maintenance(reason: "Maintenance mode is enabled for this service, but"), .draining(until: nil, reason: ""),
        .draining(until: nil, reason: "moving: soon"),
        .draining(until: WallTime(millisecondsSinceEpoch: 1_700_000_000_250), reason: ""),
        .draining(until: WallTime(millisecondsSinceEpoch: 1_700_000_000_250), reason: "moving"),
    ])
    func desired(state: DesiredState) throws {
        let text = try #require(ConsulReason.text(state))
        #expect(ConsulReason.desired(text) == state)
        #expect(ConsulReason.text(.enabled) == nil)
    }

    @Test("a reason of others is read as it is")
    func foreignReason() {
        #expect(ConsulReason.desired("upgrade") == .maintenance(reason: "upgrade"))
        #expect(ConsulReason.desired("draining soon") == .maintenance(reason: "draining soon"))
        #expect(ConsulReason.desired("draining until noon") == .maintenance(reason: "draining until noon"))
        let consuls = "Maintenance mode is enabled for this service, but no reason was provided."
        #expect(ConsulReason.desired(consuls) == .maintenance(reason: ""))
    }
}

/// Registrations that Consul can keep.
private struct RandomRegistration {
    private var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    private mutating func below(_ bound: Int) -> Int { Int.random(in: 0 ..< bound, using: &generator) }

    private mutating func text(_ length: Int) -> String {
        let letters = Array("abzAZ09-_.é\"\\{}:/,ß漢")
        return String((0 ..< 1 + below(length)).map { _ in letters[below(letters.count)] })
    }

    private mutating func name() -> String {
        let letters = Array("abcXYZ019-_")
        return String((0 ..< 1 + below(12)).map { _ in letters[below(letters.count)] })
    }

    mutating func registration() -> Registration {
        var registration = Registration(
            service: ServiceName(text(8)), id: InstanceID(text(20)), host: text(12),
            port: UInt16(1 + below(65_535)))
        registration.isSecure = below(2) == 0
        for _ in 0 ..< below(4) { registration.namedPorts[text(6)] = UInt16(1 + below(65_535)) }
        if below(2) == 0 { registration.healthCheck = text(30) }
        registration.tags = Set((0 ..< below(5)).map { _ in text(6) }).sorted()
        for _ in 0 ..< below(6) { registration.metadata["m" + name()] = below(3) == 0 ? "" : text(100) }
        registration.weight = UInt16(below(65_536))
        registration.locality = Locality(region: below(2) == 0 ? "" : text(8), zone: below(2) == 0 ? "" : text(8))
        registration.node = below(2) == 0 ? "" : text(8)
        registration.version = below(2) == 0 ? "" : text(8)
        registration.readiness = below(3) == 0 ? .starting : .ready
        if below(3) == 0 {
            registration.lease = .permanent
        } else {
            let ttl = Duration.milliseconds(500 + below(100_000))
            registration.lease = LeaseTerms(ttl: ttl, evictAfter: ttl + .milliseconds(below(500_000)))
        }
        for number in 0 ..< below(4) {
            let kinds: [CheckDefinition.Kind] = [
                .http(HTTPCheck(target: "/" + text(8), headers: ["A": text(8)], body: text(40))), .tcp(target: ":1"),
                .grpc(GRPCCheck(service: text(8))), .command([text(8), text(300)]),
                .ttl(.milliseconds(1 + below(99_999))), .alias(InstanceKey(ServiceName(text(4)), InstanceID(text(4)))),
            ]
            let kind = kinds[below(kinds.count)]
            registration.checks.append(
                CheckDefinition(
                    id: "c\(number)", name: below(2) == 0 ? "" : text(8), kind: kind,
                    successThreshold: 1 + below(3), failureThreshold: 1 + below(3),
                    initialStatus: HealthCheck.Status.allCases[below(3)],
                    deregisterAfter: below(2) == 0 ? nil : .seconds(below(1000))))
        }
        return registration
    }
}
