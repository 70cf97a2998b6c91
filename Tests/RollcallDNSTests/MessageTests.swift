// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallDNS
import RollcallTesting
import Testing

@Suite("DNS messages")
struct MessageTests {
    /// A query of `dig web.service.consul SRV +noedns`, with its answer as BIND's tools write it.
    @Test("an answer has the bytes that the standard asks for")
    func answerBytes() throws {
        let name = try #require(DomainName("web.service.consul"))
        let target = try #require(DomainName("0a000007.addr.dc1.consul"))
        var message = Message(id: 0x1234, questions: [Question(name: name, type: .srv)])
        message.flags.isResponse = true
        message.flags.isAuthoritative = true
        message.answers = [
            ResourceRecord(
                name: name, ttl: 5,
                data: .srv(ServiceLocation(priority: 1, weight: 2, port: 8080, target: target)))
        ]
        message.additionals = [ResourceRecord(name: target, ttl: 5, data: .a(0x0A00_0007))]

        var expected: [UInt8] = [0x12, 0x34, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 1]
        expected += [3] + Array("web".utf8) + [7] + Array("service".utf8) + [6] + Array("consul".utf8) + [0, 0, 33, 0, 1]
        expected += [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 5, 0, 32, 0, 1, 0, 2, 0x1F, 0x90]
        expected += [8] + Array("0a000007".utf8) + [4] + Array("addr".utf8) + [3] + Array("dc1".utf8)
        expected += [6] + Array("consul".utf8) + [0]
        expected += [0xC0, 54, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 0, 0, 7]
        #expect(message.encoded() == expected)
        #expect(try Message(parsing: expected) == message)
    }

    @Test("what was written is read as it was", arguments: 0 ..< 400 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let message = generator.message()
        let bytes = message.encoded()
        let read = try Message(parsing: bytes)
        #expect(read == message, "seed \(seed)")
        // Equal names may differ in case; nothing may change its case by compression.
        #expect(read.answers.map(\.name.wire) == message.answers.map(\.name.wire), "seed \(seed)")
    }

    @Test("a message that has to be shorter is the beginning of the whole one, and says so",
        arguments: 0 ..< 400 as Range<UInt64>)
    func truncation(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let message = generator.message()
        let whole = message.encoded()
        var least = message
        (least.answers, least.authorities, least.additionals) = ([], [], [])
        let limit = Int.random(in: least.encoded().count ... whole.count + 10, using: &generator)
        let bytes = message.encoded(limit: limit)
        let cut = try Message(parsing: bytes)

        #expect(bytes.count <= limit, "seed \(seed)")
        #expect(cut.questions == message.questions && cut.edns == message.edns, "seed \(seed)")
        #expect(cut.answers == Array(message.answers.prefix(cut.answers.count)), "seed \(seed)")
        #expect(cut.authorities == Array(message.authorities.prefix(cut.authorities.count)), "seed \(seed)")
        #expect(cut.additionals == Array(message.additionals.prefix(cut.additionals.count)), "seed \(seed)")
        let isWhole = cut.answers.count == message.answers.count && cut.authorities.count == message.authorities.count
        #expect(cut.flags.isTruncated == !isWhole, "seed \(seed)")
        if limit >= whole.count { #expect(bytes == whole, "seed \(seed)") }
    }

    @Test("names are compressed")
    func compression() throws {
        let name = try #require(DomainName("web.service.consul"))
        var message = Message(id: 1, questions: [Question(name: name, type: .a)])
        message.answers = (0 ..< 10).map { ResourceRecord(name: name, ttl: 0, data: .a($0)) }
        #expect(message.encoded().count == 12 + 20 + 4 + 10 * 16)
    }

    @Test("a message beyond what a pointer reaches is still read as it was written")
    func large() throws {
        let records = try (0 ..< 900).map { index in
            let name = try #require(DomainName("instance-\(index).node.dc1.consul"))
            return ResourceRecord(name: name, ttl: 0, data: .cname(name))
        }
        let message = Message(id: 1, answers: records)
        let bytes = message.encoded()
        #expect(bytes.count > 0x4000)
        #expect(try Message(parsing: bytes) == message)
    }

    static let faulty: [(problem: String, bytes: [UInt8])] = [
        ("no whole header", [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
        ("a name that points to itself", [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 1, 0, 1]),
        ("a name that points forwards", [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 14, 0, 0, 1, 0, 1]),
        ("a name that ends outside", [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 9, 97, 98]),
        ("a label of an unknown form", [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x41, 0, 0, 1, 0, 1]),
        ("no whole question", [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0]),
        ("a missing second question", [0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1]),
        ("a missing record", [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("a record with too much data", [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 9, 0]),
        (
            "two OPT records",
            [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] + [0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0]
                + [0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0]
        ),
        ("an OPT record with a name", [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 97, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0]),
        (
            "an option that ends outside",
            [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 4, 0, 8, 0, 1]
        ),
    ]

    @Test("what is no message is refused, by both readers", arguments: faulty.map(\.problem))
    func refused(problem: String) throws {
        let bytes = try #require(Self.faulty.first { $0.problem == problem }).bytes
        #expect(throws: DNSFormatError.self) { try Message(parsing: bytes) }
        switch bytes.withUnsafeBytes(QueryHead.read) {
        case .query(let head): Issue.record("taken for a query: \(head)")
        case .malformed(let id, _): #expect(id == 1)
        case .ignored: #expect(bytes.count < 12)
        }
    }

    @Test("names of 255 bytes are read, longer ones are refused")
    func longNames() throws {
        let long = [UInt8](repeating: 97, count: 63)
        let name = try #require(DomainName(labels: [long, long, long, long.dropLast(2)]))
        #expect(name.wire.count == 255)
        let bytes = Message(id: 1, questions: [Question(name: name, type: .a)]).encoded()
        #expect(try Message(parsing: bytes).questions.first?.name == name)
        #expect(DomainName(labels: [long, long, long, long.dropLast(1)]) == nil)

        let wire = [63] + long + [63] + long + [63] + long + [62] + long.dropLast() + [0]
        let header: [UInt8] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        #expect(throws: DNSFormatError.self) { try Message(parsing: header + wire + [0, 1, 0, 1]) }
        guard case .malformed = (header + wire + [0, 1, 0, 1]).withUnsafeBytes(QueryHead.read) else {
            Issue.record("a name of 256 bytes was taken")
            return
        }
    }
}
