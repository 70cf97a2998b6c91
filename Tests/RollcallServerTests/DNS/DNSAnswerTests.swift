// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallDNS
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("Answers of the DNS dialect: order, size, and queries that are none", .timeLimit(.minutes(1)))
struct DNSAnswerTests {
    @Test("the first answer is each instance's as often as its weight says")
    func weights() async throws {
        let fixture = DNSFixture()
        let weights: [UInt16] = [1, 2, 3, 0, 4]
        for (number, weight) in weights.enumerated() {
            try await fixture.register("web", "10.0.0.\(number)", weight: weight)
        }
        var first: [String: Int] = [:]
        var last: [String: Int] = [:]
        for seed in 0 ..< 10_000 as Range<UInt64> {
            let answers = try fixture.ask("web.service.consul", seed: seed).answers.map(\.text)
            #expect(Set(answers).count == 5)
            first[answers[0].split(separator: " ").last.map(String.init) ?? "", default: 0] += 1
            last[answers[4].split(separator: " ").last.map(String.init) ?? "", default: 0] += 1
        }
        // Five standard deviations of a share of 0.4 in 10,000 are 245.
        for (number, weight) in weights.enumerated() {
            #expect(abs((first["10.0.0.\(number)"] ?? 0) - Int(weight) * 1000) < 250, "\(first)")
        }
        #expect(last == ["10.0.0.3": 10_000])
    }

    @Test("instances of the same weight come in every order, each as often")
    func evenOrder() async throws {
        let fixture = DNSFixture()
        for number in 0 ..< 3 { try await fixture.register("web", "10.0.0.\(number)") }
        var orders: [[String]: Int] = [:]
        for seed in 0 ..< 6000 as Range<UInt64> {
            orders[try fixture.ask("web.service.consul", seed: seed).answers.map(\.text), default: 0] += 1
        }
        #expect(orders.count == 6)
        // Five standard deviations of a sixth of 6,000 are 144.
        #expect(orders.values.allSatisfy { abs($0 - 1000) < 150 }, "\(orders.values)")
    }

    @Test("an order draws each number once, for any weights", arguments: 0 ..< 300 as Range<UInt64>)
    func orderIsPermutation(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let count = Int.random(in: 1 ... 200, using: &generator)
        let most: UInt32 = [0, 1, 5, 65_535, .max].randomElement(using: &generator)!
        let weights = (0 ..< count).map { _ in UInt32.random(in: 0 ... most, using: &generator) }
        let prepared = DrawingWeights(weights)
        var random = PickRandom(seed: seed)
        let drawn = withUnsafeTemporaryAllocation(of: UInt32.self, capacity: prepared.room(for: count)) { scratch in
            var order = RandomOrder(count: count, weights: prepared, scratch: scratch)
            return (0 ..< count).map { _ in order.next(&random) }
        }
        #expect(drawn.sorted() == Array(0 ..< count), "seed \(seed)")
        let weightless = Set(weights.indices.filter { weights[$0] == 0 })
        if weightless.count < count {
            #expect(Set(drawn.suffix(weightless.count)) == weightless, "seed \(seed)")
        }
    }

    @Test("two hundred instances come whole over TCP, and cut and marked over UDP", arguments: [nil, 512, 1232, 4096])
    func manyInstances(payload: UInt16?) async throws {
        let fixture = DNSFixture()
        for number in 0 ..< 200 { try await fixture.register("many", "10.0.0.\(number)", 8000 + UInt16(number)) }
        for type in [RecordType.a, .srv] {
            let whole = try fixture.ask("many.service.consul", type, over: .tcp, payload: payload)
            #expect(whole.answers.count == 200 && !whole.flags.isTruncated)
            #expect(Set(whole.answers).count == 200)
            let cut = try fixture.ask("many.service.consul", type, payload: payload)
            let fits = type == .a && payload == 4096
            #expect(cut.flags.isTruncated != fits)
            #expect(fits ? cut.answers.count == 200 : (1 ..< 200).contains(cut.answers.count))
            #expect(Set(cut.answers).isSubset(of: whole.answers))
            #expect(cut.additionals.isEmpty)
        }
        let whole = try fixture.ask("many.service.consul", .srv, over: .tcp)
        #expect(whole.additionals.count == 201)
    }

    @Test("answers beyond what pointers reach are whole, and name their targets")
    func beyondPointers() async throws {
        let fixture = DNSFixture()
        for number in 0 ..< 600 {
            try await fixture.register("many", "10.0.\(number / 250).\(number % 250)", 80, weight: UInt16(number % 3))
        }
        let whole = try fixture.ask("many.service.consul", .srv, over: .tcp)
        #expect(whole.answers.count == 600 && whole.additionals.count == 601)
        let targets = Set(
            whole.answers.compactMap { record -> DomainName? in
                if case .srv(let location) = record.data { location.target } else { nil }
            })
        #expect(Set(whole.additionals.filter { $0.type == .a }.map(\.name)) == targets)
        for number in 600 ..< 3000 { try await fixture.register("many", "10.0.\(number / 250).\(number % 250)", 80) }
        let cut = try fixture.ask("many.service.consul", .srv, over: .tcp)
        #expect(cut.flags.isTruncated && cut.answers.count > 1000)
    }

    @Test("answers that fit are not given up for additional records that do not")
    func additionalsThatDoNotFit() async throws {
        let fixture = DNSFixture()
        for number in 0 ..< 10 { try await fixture.register("web", "10.0.0.\(number)") }
        let answer = try fixture.ask("web.service.consul", .srv)
        #expect(answer.answers.count == 10 && !answer.flags.isTruncated)
        #expect(answer.additionals.count < 10)
        #expect(Set(answer.additionals.map(\.name)).count == answer.additionals.count)
    }

    @Test("limits of records cut, and say so only where asking over TCP helps")
    func limits() async throws {
        let fixture = DNSFixture { configuration in
            configuration.udpAnswersMax = 3
            configuration.addressAnswersMax = 5
        }
        for number in 0 ..< 8 { try await fixture.register("web", "10.0.0.\(number)") }
        let plain = try fixture.ask("web.service.consul")
        #expect(plain.answers.count == 3 && plain.flags.isTruncated)
        let extended = try fixture.ask("web.service.consul", payload: 1232)
        #expect(extended.answers.count == 5 && !extended.flags.isTruncated)
        #expect(try fixture.ask("web.service.consul", over: .tcp).answers.count == 5)
        #expect(try fixture.ask("web.service.consul", .srv, over: .tcp).answers.count == 8)
    }

    @Test("an answer is never larger than is configured")
    func payloadBound() async throws {
        let fixture = DNSFixture { $0.udpPayloadMax = 600 }
        for number in 0 ..< 100 { try await fixture.register("web", "10.0.0.\(number)") }
        var query = Message(id: 1, questions: [Question(name: try #require(DomainName("web.service.consul")), type: .a)])
        query.edns = ExtendedDNS(payloadSize: 65_535)
        let bytes = try #require(fixture.exchange(query.encoded()))
        #expect((500 ... 600).contains(bytes.count))
    }

    @Test("EDNS: the client's size and its subnet come back, a version to come is refused")
    func extensions() async throws {
        let fixture = DNSFixture()
        try await fixture.register("web", "10.0.0.1")
        let question = Question(name: try #require(DomainName("web.service.consul")), type: .a)
        var query = Message(id: 1, questions: [question])
        let subnet = ExtendedDNS.Option(code: ExtendedDNS.Option.clientSubnet, data: [0, 1, 24, 9, 10, 0, 0])
        let cookie = ExtendedDNS.Option(code: 10, data: [1, 2, 3, 4, 5, 6, 7, 8])
        query.edns = ExtendedDNS(payloadSize: 1400, isSecurityOK: true, options: [cookie, subnet])
        for name in ["web.service.consul", "none.service.consul", "golden-node.node.consul", "example.org"] {
            query.questions[0].name = try #require(DomainName(name))
            let answer = try Message(parsing: try #require(fixture.exchange(query.encoded())))
            #expect(answer.edns?.payloadSize == 1400 && answer.edns?.isSecurityOK == true)
            #expect(
                answer.edns?.options == [ExtendedDNS.Option(code: subnet.code, data: [0, 1, 24, 0, 10, 0, 0])])
        }
        query.edns = ExtendedDNS(payloadSize: 1400, version: 1)
        let refused = try Message(parsing: try #require(fixture.exchange(query.encoded())))
        #expect(refused.responseCode == .badVersion && refused.edns?.version == 0)
    }

    @Test("what is no ordinary question is refused politely")
    func politeness() async throws {
        let fixture = DNSFixture()
        let name = try #require(DomainName("web.service.consul"))
        let zone = try #require(DomainName("consul"))
        func code(_ message: Message) throws -> ResponseCode {
            try Message(parsing: try #require(fixture.exchange(message.encoded()))).responseCode
        }
        #expect(try code(Message(id: 1)) == .refused)
        var update = Message(id: 1, questions: [Question(name: zone, type: .soa)])
        update.flags.opcode = 5
        #expect(try code(update) == .notImplemented)
        #expect(try code(Message(id: 1, questions: [Question(name: zone, type: .axfr)])) == .notImplemented)
        let chaos = Question(name: name, type: .txt, recordClass: RecordClass(rawValue: 3))
        #expect(try code(Message(id: 1, questions: [chaos])) == .refused)
        // Of several questions the first one is answered.
        try await fixture.register("web", "10.0.0.1")
        let two = Message(
            id: 1, questions: [Question(name: name, type: .a), Question(name: name, type: .aaaa)])
        let answer = try Message(parsing: try #require(fixture.exchange(two.encoded())))
        #expect(answer.questions == [two.questions[0]] && answer.found == ["10.0.0.1"])
    }

    @Test("answers, and what has no header, are not answered")
    func silence() {
        let fixture = DNSFixture()
        var answer = Message(id: 1)
        answer.flags.isResponse = true
        #expect(fixture.exchange(answer.encoded()) == nil)
        #expect(fixture.exchange([]) == nil)
        #expect(fixture.exchange([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]) == nil)
        let malformed = fixture.exchange([0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5])
        #expect(malformed == [0, 9, 0x81, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("damaged queries get a well-formed answer or none")
    func damaged() async throws {
        let fixture = DNSFixture()
        for number in 0 ..< 20 { try await fixture.register("web", "10.0.0.\(number)", weight: UInt16(number)) }
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let names = ["web.service.consul", "_web._tcp.service.consul", "0a000001.addr.consul", "golden-node.node.consul"]
        for index in 0 ..< 20_000 {
            let name = try #require(DomainName(names.randomElement(using: &generator)!))
            var query = Message(
                id: 7, questions: [Question(name: name, type: [.a, .srv, .any, .soa].randomElement(using: &generator)!)])
            query.edns = Bool.random(using: &generator)
                ? ExtendedDNS(
                    payloadSize: .random(in: 0 ... 2000, using: &generator),
                    options: [ExtendedDNS.Option(code: 8, data: [0, 1, 24, 0, 10, 0, 0])]) : nil
            var bytes = query.encoded()
            for _ in 0 ..< Int.random(in: 0 ... 4, using: &generator) {
                guard let place = bytes.indices.randomElement(using: &generator) else { break }
                switch Int.random(in: 0 ... 2, using: &generator) {
                case 0: bytes[place] = .random(in: 0 ... 255, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(.random(in: 0 ... 255, using: &generator), at: place)
                }
            }
            for transport in DNSExchange.Transport.allCases {
                guard let answer = fixture.exchange(bytes, over: transport, seed: UInt64(index)) else { continue }
                #expect(throws: Never.self, "seed \(seed), query \(index): \(bytes)") { try Message(parsing: answer) }
            }
        }
    }
}
