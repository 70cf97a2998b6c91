// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The model")
struct ModelTests {
    @Test("the status follows the order of precedence in every combination")
    func precedence() {
        let desired: [DesiredState] = [.enabled, .draining(until: nil, reason: ""), .maintenance(reason: "")]
        for desired in desired {
            for readiness in Readiness.allCases {
                for lease in LeaseState.allCases {
                    for worst in [nil] + HealthCheck.Status.allCases {
                        let checks = worst.map {
                            [
                                HealthCheck(id: "a", status: .passing, since: WallTime(millisecondsSinceEpoch: 0)),
                                HealthCheck(id: "b", status: $0, since: WallTime(millisecondsSinceEpoch: 0)),
                            ]
                        }
                        let status = InstanceStatus(
                            desired: desired, readiness: readiness, checks: checks ?? [], lease: lease)
                        let expected: InstanceStatus =
                            desired.name == "maintenance"
                            ? .outOfService
                            : desired.name == "draining"
                                ? .draining
                                : lease == .suspect
                                    ? .suspect
                                    : readiness == .starting
                                        ? .starting
                                        : worst == .critical || lease == .lapsed
                                            ? .down
                                            : worst == .warning ? .warning : .up
                        #expect(status == expected, "\(desired) \(readiness) \(lease) \(String(describing: worst))")
                    }
                }
            }
        }
    }

    @Test("identifiers and names are equal by their bytes, not by what they look like")
    func bytes() {
        let looks = [("caf\u{E9}", "cafe\u{301}"), ("\u{212B}", "\u{C5}"), ("q\u{307}\u{323}", "q\u{323}\u{307}")]
        for (one, other) in looks {
            #expect(one == other, "the strings are canonically equivalent")
            #expect(InstanceID(one) != InstanceID(other))
            #expect(Set([InstanceID(one), InstanceID(other), InstanceID(one)]).count == 2)
            #expect(ServiceName(one) != ServiceName(other))
            #expect(Set([ServiceName(one), ServiceName(other)]).count == 2)
            #expect((InstanceID(one) < InstanceID(other)) != (InstanceID(other) < InstanceID(one)))
            #expect((ServiceName(one) < ServiceName(other)) != (ServiceName(other) < ServiceName(one)))
        }
        var random = SeededGenerator(seed: 12)
        for _ in 0 ..< 2000 {
            let texts = (0 ..< 2).map { _ in
                String(decoding: (0 ..< Int.random(in: 0 ... 20, using: &random)).map { _ in
                    UInt8.random(in: 0x61 ... 0x62, using: &random)
                }, as: UTF8.self)
            }
            let (one, other) = (InstanceID(texts[0]), InstanceID(texts[1]))
            #expect((one == other) == (texts[0] == texts[1]), "\(texts)")
            #expect((one < other) == (texts[0] < texts[1]), "\(texts)")
            #expect(one == InstanceID(texts[0] + ""), "\(texts)")
        }
    }

    @Test("names of services are equal and hash alike when they differ in ASCII case only")
    func serviceNames() {
        #expect(ServiceName("Web-API.v1") == ServiceName("wEB-api.V1"))
        #expect(Set([ServiceName("a"), ServiceName("A"), ServiceName("b")]).count == 2)
        #expect(ServiceName("Straße") != ServiceName("STRASSE"))
        #expect(ServiceName("É") != ServiceName("é"))
        #expect(ServiceName("ABC").folded == "abc")
        #expect(ServiceName("É-A").folded == "É-a")
        #expect(ServiceName("b") > ServiceName("A"))
        var random = SeededGenerator(seed: 11)
        for _ in 0 ..< 2000 {
            let name = String(
                (0 ..< Int.random(in: 0 ... 20, using: &random)).map { _ in
                    Character(Unicode.Scalar(UInt8.random(in: 0x40 ... 0x7B, using: &random)))
                })
            let other = Bool.random(using: &random) ? name.uppercased() : name.lowercased()
            #expect(ServiceName(name) == ServiceName(other))
            #expect(ServiceName(name).hashValue == ServiceName(other).hashValue)
        }
    }

    @Test("endpoint and health check URLs are derived, with IPv6 in brackets")
    func urls() {
        var registration = Registration(service: "web", host: "fd00::1", port: 80)
        #expect(registration.id == "[fd00::1]:80")
        #expect(registration.endpointURL == "http://[fd00::1]:80")
        #expect(registration.healthCheckURL == nil)
        registration.isSecure = true
        registration.healthCheck = "status"
        #expect(registration.healthCheckURL == "https://[fd00::1]:80/status")
        registration.healthCheck = "http://elsewhere/health"
        #expect(registration.healthCheckURL == "http://elsewhere/health")
    }

    @Test("an instance may have no port: its URL has none, and only who needs one refuses it")
    func noPort() throws {
        let registration = Registration(service: "web", id: "a", host: "10.0.0.7", port: 0, healthCheck: "/health")
        #expect(registration.endpointURL == "http://10.0.0.7")
        #expect(registration.healthCheckURL == "http://10.0.0.7/health")
        #expect(CheckTarget("", of: registration) == nil)
        #expect(CheckTarget(":81", of: registration)?.description == "10.0.0.7:81")
        try registration.validate(needsPort: false)
        let error = #expect(throws: RegistryError.self) { try registration.validate() }
        #expect(error?.faults.map(\.description) == ["port: must be 1 to 65535"])
    }

    @Test("every limit is checked, and all faults are named at once")
    func limits() {
        var registration = Registration(service: "", id: "a b", host: "h", port: 1)
        registration.namedPorts = ["x": 0]
        registration.tags = ["", "\u{7}", "t", "t"]
        registration.metadata = ["k\n": String(repeating: "v", count: 4097)]
        registration.locality.zone = String(repeating: "z", count: 513)
        registration.lease = LeaseTerms(ttl: .milliseconds(1), evictAfter: .seconds(1))
        let error = #expect(throws: RegistryError.self) { try registration.validate() }
        let fields = Set(error?.faults.map(\.field) ?? [])
        #expect(
            fields == [
                "service", "id", "ports.x", "tags[0]", "tags[1]", "tags", "metadata key", "metadata.k\n", "zone",
                "lease.ttlSeconds",
            ])
        #expect(error?.message.contains("must not be empty") == true)
    }

    @Test("times are written as Foundation writes them, and read back", arguments: [0, 1, 2, 3] as [UInt64])
    func rfc3339(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        for _ in 0 ..< 500 {
            // From the year 1600 to 9999.
            let time = WallTime(
                millisecondsSinceEpoch: Int64.random(in: -11_676_096_000_000 ... 253_402_300_799_999, using: &random))
            let date = Date(timeIntervalSince1970: Double(time.millisecondsSinceEpoch) / 1000)
            #expect(time.description.prefix(19) == formatter.string(from: date).prefix(19))
            #expect(WallTime(time.description) == time)
        }
        #expect(WallTime("2026-01-31T09:30:00Z")?.description == "2026-01-31T09:30:00.000Z")
        #expect(WallTime("2026-01-31T09:30:00.5Z")?.description == "2026-01-31T09:30:00.500Z")
        for wrong in [
            "", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T24:00:00Z", "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234Z",
        ] {
            #expect(WallTime(wrong) == nil, "\(wrong)")
        }
    }

    @Test("instants saturate instead of trapping")
    func instants() {
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
        #expect(Instant.zero + .seconds(Int64.max) == .distantFuture)
        #expect((Instant(nanoseconds: .min) - .distantFuture) < .zero)
        #expect(Instant.distantFuture.duration(to: Instant(nanoseconds: .min)) < .zero)
        #expect(Instant.zero + .seconds(2) - .zero == .seconds(2))
    }

    @Test("texts are cut between characters")
    func truncation() {
        #expect(truncated("abc", bytes: 3) == "abc")
        #expect(truncated("aé", bytes: 2) == "a")
        #expect(truncated("🙂🙂", bytes: 7) == "🙂")
        #expect(truncated("é", bytes: 1) == "")
    }
}
