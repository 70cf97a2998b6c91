// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import RollcallDNS
import RollcallTesting
import Testing

@testable import RollcallServer

/// What a real Consul answered, and what Rollcall answers to the same. The differences, and why they are, stand in
/// Docs/dns.md.
@Suite("The DNS of Consul 1.10.11, recorded", .timeLimit(.minutes(1)))
struct GoldenDNSTests {
    struct Recorded: Sendable, CustomTestStringConvertible {
        let name: String
        let type: RecordType
        let transport: DNSExchange.Transport
        let payload: UInt16?
        /// `nil` when the answer was not recorded.
        let code: String?
        let flags: String
        let answers: [String]
        let authorities: [String]
        let additionals: [String]

        var testDescription: String { "\(name) \(type) \(transport) \(payload.map(String.init) ?? "")" }
    }

    static let recorded: [Recorded] = {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/consul/dns-1.10.11.jsonl")
        let text = (try? String(contentsOf: path, encoding: .utf8)) ?? ""
        let types: [String: RecordType] = [
            "A": .a, "AAAA": .aaaa, "SRV": .srv, "ANY": .any, "TXT": .txt, "CNAME": .cname, "SOA": .soa, "NS": .ns,
            "PTR": .ptr,
        ]
        return text.split(separator: "\n").compactMap { line in
            guard let json = try? JSONValue.parse(Array(line.utf8)), let question = json["question"],
                let name = question[0]?.stringValue, let type = question[1]?.stringValue.flatMap({ types[$0] })
            else { return nil }
            let texts = { (key: String) in (json[key]?.arrayValue ?? []).compactMap(\.stringValue) }
            return Recorded(
                name: name, type: type, transport: json["transport"]?.stringValue == "tcp" ? .tcp : .udp,
                payload: json["edns_payload"]?.intValue.map { UInt16($0) }, code: json["rcode"]?.stringValue,
                flags: json["flags"]?.stringValue ?? "", answers: texts("answer"), authorities: texts("authority"),
                additionals: texts("additional"))
        }
    }()

    /// What was registered there.
    static func fixture(_ change: (inout DNSConfiguration) -> Void = { _ in }) async throws -> DNSFixture {
        let fixture = DNSFixture(change)
        try await fixture.register("dnsweb", "10.9.0.1", 8081, tags: ["blue"], weight: 5)
        try await fixture.register("dnsweb", "10.9.0.2", 8082, tags: ["green"])
        try await fixture.register("dnssix", "2001:db8::6", 8086)
        // Without an address of its own: that of its node.
        var shadow = ConsulShadow()
        shadow.address = ""
        try await fixture.register("dnsnoaddr", "127.0.0.1", 7000, shadow: shadow)
        try await fixture.register("dnshost", "backend.example.org", 7001)
        try await fixture.register("dnscrit", "10.9.0.3", 8083, checks: [CheckDefinition(kind: .ttl(.seconds(10)))])
        try await fixture.register("DnsMixed", "10.9.0.4", 8084)
        for number in 0 ..< 40 { try await fixture.register("dnsmany", "10.8.0.\(number + 1)", 9000 + UInt16(number)) }
        return fixture
    }

    /// Everything that was recorded, but the answers of forty instances: those are cut elsewhere than Consul cuts them.
    @Test("the same answers", arguments: recorded.filter { $0.code != nil && !$0.name.hasPrefix("dnsmany") })
    func same(_ recorded: Recorded) async throws {
        let fixture = try await Self.fixture()
        let answer = try fixture.ask(
            recorded.name, recorded.type, over: recorded.transport, payload: recorded.payload)
        if recorded.name == "9.9.9.10.in-addr.arpa." {
            // Consul takes the query to recursors, of which it has none, and says that it failed.
            #expect(recorded.code == "SERVFAIL" && answer.responseCode == .refused)
            return
        }
        #expect(answer.responseCode.description == recorded.code)
        #expect(Self.flags(answer) == recorded.flags)
        // The order of records is a matter of chance there, too; serial numbers are times.
        #expect(Self.texts(answer.answers) == Self.withoutSerial(recorded.answers))
        #expect(Self.texts(answer.authorities) == Self.withoutSerial(recorded.authorities))
        #expect(Self.texts(answer.additionals) == Self.withoutSerial(recorded.additionals))
    }

    @Test("forty instances: what Consul answers is part of what is answered here, and the same when so configured",
        arguments: recorded.filter { $0.code != nil && $0.name.hasPrefix("dnsmany") })
    func many(_ recorded: Recorded) async throws {
        let honest = try await Self.fixture()
        let likeConsul = try await Self.fixture { configuration in
            configuration.udpAnswersMax = 3
            configuration.flagsTruncation = false
        }
        let all = try honest.ask(recorded.name, recorded.type, over: .tcp)
        #expect(all.answers.count == 40)
        #expect(Set(recorded.answers).isSubset(of: all.answers.map(\.text)))
        #expect(Set(recorded.additionals).isSubset(of: all.additionals.map(\.text)))

        let ours = try honest.ask(recorded.name, recorded.type, over: recorded.transport, payload: recorded.payload)
        #expect(ours.answers.count >= recorded.answers.count)
        #expect(ours.flags.isTruncated == (ours.answers.count < 40))
        let theirs = try likeConsul.ask(recorded.name, recorded.type, over: recorded.transport, payload: recorded.payload)
        #expect(Self.flags(theirs) == recorded.flags)
        if recorded.payload ?? 512 == 512, recorded.transport == .udp {
            #expect(theirs.answers.count == recorded.answers.count && theirs.answers.count == 3)
        } else {
            #expect(theirs.answers.count >= recorded.answers.count)
        }
    }

    @Test("the recording is there")
    func isThere() {
        #expect(Self.recorded.count == 83)
        #expect(Self.recorded.count { $0.code != nil } > 60)
    }

    private static func flags(_ message: Message) -> String {
        let flags = message.flags
        let names = [
            ("QR", flags.isResponse), ("AA", flags.isAuthoritative), ("TC", flags.isTruncated),
            ("RD", flags.isRecursionDesired), ("RA", flags.isRecursionAvailable),
        ]
        return names.filter(\.1).map(\.0).joined(separator: " ")
    }

    private static func texts(_ records: [ResourceRecord]) -> [String] { withoutSerial(records.map(\.text)) }

    private static func withoutSerial(_ records: [String]) -> [String] {
        records.map { record in
            var parts = record.split(separator: " ")
            if parts.count > 6, parts[3] == "SOA" { parts[6] = "SERIAL" }
            return parts.joined(separator: " ")
        }.sorted()
    }
}
