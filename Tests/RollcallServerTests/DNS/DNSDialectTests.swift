// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallConsul
import RollcallDNS
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("The DNS dialect", .timeLimit(.minutes(1)))
struct DNSDialectTests {
    @Test("a service is found under each of its names",
        arguments: [
            ("web.service.consul", ["8081", "8082"]), ("web.service.dc1.consul", ["8081", "8082"]),
            ("WEB.Service.DC1.Consul", ["8081", "8082"]), ("blue.web.service.consul", ["8081"]),
            ("BLUE.web.service.dc1.consul", ["8081"]), ("v1.2.web.service.consul", ["8082"]),
            ("_web._tcp.service.consul", ["8081", "8082"]), ("_web._TCP.consul", ["8081", "8082"]),
            ("_web._blue.service.dc1.consul", ["8081"]), ("_web._blue.dc1.consul", ["8081"]),
        ])
    func forms(name: String, ports: [String]) async throws {
        let fixture = DNSFixture()
        try await fixture.register("web", "10.0.0.1", 8081, tags: ["Blue"])
        try await fixture.register("web", "10.0.0.2", 8082, tags: ["v1.2"])
        let answer = try fixture.ask(name, .srv)
        #expect(answer.responseCode == .noError && answer.flags.isAuthoritative)
        #expect(answer.found.map { String($0.split(separator: " ")[2]) } == ports)
        #expect(answer.additionals.count { $0.type == .a } == ports.count)
    }

    @Test("names that mean nothing do not exist",
        arguments: [
            "service.consul", "node.consul", "query.consul", "a.b.addr.consul", "zzzzzzzz.addr.consul", "web.consul",
            "web.service.dc2.consul", "web.service.dc1.x.consul", "red.web.service.consul", "x.query.consul",
            "web.service.node.consul", "ns.consul", "_web._udp.service.consul",
        ])
    func unknown(name: String) async throws {
        let fixture = DNSFixture()
        try await fixture.register("web", "10.0.0.1", 8081, tags: ["blue"])
        let answer = try fixture.ask(name)
        #expect(answer.responseCode == .nameError && answer.answers.isEmpty)
        #expect(answer.authorities.map(\.type) == [.soa])
    }

    @Test("only healthy instances are answered with; suspect ones when there is nobody else")
    func health() async throws {
        let fixture = DNSFixture()
        let check = CheckDefinition(kind: .ttl(.seconds(3600)), initialStatus: .passing)
        for host in ["10.0.0.1", "10.0.0.2", "10.0.0.3"] {
            try await fixture.register("web", host, id: InstanceID(host), checks: [check])
        }
        func report(_ host: String, _ status: HealthCheck.Status) async throws {
            try await fixture.registry.update(
                InstanceKey("web", InstanceID(host)), incarnation: nil,
                .check(id: "ttl", status: status, output: "said"))
        }
        try await report("10.0.0.1", .critical)
        try await report("10.0.0.2", .warning)
        #expect(try fixture.ask("web.service.consul").found == ["10.0.0.2", "10.0.0.3"])
        try await report("10.0.0.3", .critical)
        try await report("10.0.0.2", .critical)
        #expect(try fixture.ask("web.service.consul").responseCode == .nameError)
    }

    @Test("instances that warn are left out when only passing ones are wanted")
    func onlyPassing() async throws {
        let fixture = DNSFixture { $0.onlyPassing = true }
        let check = CheckDefinition(kind: .ttl(.seconds(3600)), initialStatus: .passing)
        for host in ["10.0.0.1", "10.0.0.2"] {
            try await fixture.register("web", host, id: InstanceID(host), checks: [check])
        }
        try await fixture.registry.update(
            InstanceKey("web", "10.0.0.1"), incarnation: nil, .check(id: "ttl", status: .warning, output: ""))
        #expect(try fixture.ask("web.service.consul").found == ["10.0.0.2"])
    }

    @Test("suspect instances are answered with when there is nobody else")
    func suspects() async throws {
        let fixture = DNSFixture()
        for number in 1 ... 10 {
            try await fixture.registry.register(
                Registration(
                    service: "web", host: "10.0.0.\(number)", port: 80,
                    lease: LeaseTerms(kind: .heartbeat, ttl: .seconds(5), evictAfter: .seconds(20))))
        }
        fixture.clock.advance(by: .seconds(6))
        var snapshot = fixture.registry.catalog.snapshot(of: "web")
        // The lease keeper works in a task of its own.
        while snapshot.instances.contains(where: { $0.status == .up }) {
            await Task.yield()
            snapshot = fixture.registry.catalog.snapshot(of: "web")
        }
        #expect(snapshot.instances.allSatisfy { $0.status == .suspect })
        #expect(try fixture.ask("web.service.consul").answers.count == 10)
    }

    @Test("two instances at one address are one answer, and two places of service")
    func duplicates() async throws {
        let fixture = DNSFixture()
        try await fixture.register("web", "10.0.0.1", 8081)
        try await fixture.register("web", "10.0.0.1", 8082)
        try await fixture.register("web", "10.0.0.1", 8082, id: "again")
        #expect(try fixture.ask("web.service.consul").found == ["10.0.0.1"])
        let places = try fixture.ask("web.service.consul", .srv)
        #expect(places.answers.count == 2)
        #expect(places.additionals.count { $0.type == .a } == 1)
    }

    @Test("addresses of both families, and names beside them")
    func families() async throws {
        let fixture = DNSFixture()
        try await fixture.register("web", "10.0.0.1")
        try await fixture.register("web", "2001:db8::1")
        try await fixture.register("web", "backend.example.org")
        #expect(try fixture.ask("web.service.consul", .a).found == ["10.0.0.1"])
        #expect(try fixture.ask("web.service.consul", .aaaa).found == ["2001:db8::1"])
        #expect(try fixture.ask("web.service.consul", .any).found == ["10.0.0.1", "2001:db8::1"])
        let mail = try fixture.ask("web.service.consul", RecordType(rawValue: 15))
        #expect(mail.responseCode == .noError && mail.answers.isEmpty && mail.authorities.count == 1)
        // An alias may not stand beside other records of its name, so there is one when there are no others.
        try await fixture.register("named", "one.example.org")
        try await fixture.register("named", "two.example.org")
        #expect(try fixture.ask("named.service.consul", .aaaa).answers.map(\.type) == [.cname])
    }

    @Test("answers change with the catalog, and with what is known of nodes")
    func changes() async throws {
        let fixture = DNSFixture()
        var shadow = ConsulShadow()
        (shadow.address, shadow.warningWeight, shadow.passingWeight) = ("", 3, 7)
        try await fixture.register("web", "10.0.0.1")
        #expect(try fixture.ask("web.service.consul").found == ["10.0.0.1"])
        try await fixture.register("web", "10.0.0.2", node: "rack-7", shadow: shadow)
        #expect(try fixture.ask("web.service.consul").found == ["10.0.0.1", "10.0.0.2"])
        var node = ConsulNode(name: "rack-7", address: "10.7.7.7", datacenter: "dc1", meta: ["row": "a=b"])
        func publish() async throws { try await fixture.nodes.change("rack-7") { $0 = NodeRecord(node: node) } }
        try await publish()
        for _ in 1 ... 2 { #expect(try fixture.ask("web.service.consul").found == ["10.0.0.1", "10.7.7.7"]) }
        #expect(try fixture.ask("7.7.7.10.in-addr.arpa", .ptr).found == ["rack-7.node.dc1.consul."])
        #expect(try fixture.ask("Rack-7.node.consul", .txt).found == ["\"row=a=b\""])
        // A node's own checks are those of all of its instances.
        func place() throws -> [String] { try fixture.ask("_web._tcp.consul", .srv, over: .tcp).found }
        #expect(try place().last == "1 7 80 rack-7.node.dc1.consul.")
        node.checks = [ConsulCheck(node: "rack-7", id: "disk", name: "disk", status: .warning)]
        try await publish()
        #expect(try place().last == "1 3 80 rack-7.node.dc1.consul.")
        node.checks[0].status = .critical
        try await publish()
        #expect(try place() == ["1 1 80 0a000001.addr.dc1.consul."])
    }

    @Test("many questions, asked again and again, each get their own answers")
    func manyQuestions() async throws {
        let fixture = DNSFixture()
        for number in 0 ..< 200 { try await fixture.register(ServiceName("web-\(number)"), "10.0.0.\(number)", tags: ["a"]) }
        for _ in 1 ... 3 {
            for number in 0 ..< 200 {
                #expect(try fixture.ask("web-\(number).service.consul").found == ["10.0.0.\(number)"])
                #expect(try fixture.ask("a.web-\(number).service.consul", .srv).answers.count == 1)
                #expect(try fixture.ask("b.web-\(number).service.consul").responseCode == .nameError)
            }
        }
        try await fixture.registry.deregister(InstanceKey("web-7", "10.0.0.7:80"))
        for type in [RecordType.a, .srv] {
            #expect(try fixture.ask("web-7.service.consul", type).responseCode == .nameError)
        }
    }

    @Test("nodes that registrations name are found by name and by address, and vanish with them")
    func nodes() async throws {
        let fixture = DNSFixture()
        try await fixture.register("web", "10.0.0.1", id: "1", node: "rack.7")
        try await fixture.register("web", "10.0.0.2", id: "2")
        #expect(try fixture.ask("Rack.7.node.consul").found == ["10.0.0.1"])
        #expect(try fixture.ask("1.0.0.10.in-addr.arpa", .ptr).found == ["rack.7.node.dc1.consul."])
        #expect(try fixture.ask("2.0.0.10.in-addr.arpa", .ptr).found == ["web.service.dc1.consul."])
        try await fixture.register("web", "10.0.0.3", id: "1", node: "rack.8")
        #expect(try fixture.ask("rack.7.node.consul").responseCode == .nameError)
        #expect(try fixture.ask("rack.8.node.dc1.consul").found == ["10.0.0.3"])
        try await fixture.registry.deregister(InstanceKey("web", "1"))
        #expect(try fixture.ask("rack.8.node.consul").responseCode == .nameError)
        #expect(try fixture.ask("3.0.0.10.in-addr.arpa", .ptr).responseCode == .refused)
    }

    @Test("prepared queries of Consul's API are asked for by their name, in any case, and by their identifier")
    func preparedQueries() async throws {
        var configuration = ServerConfiguration()
        configuration.dns.isEnabled = true
        try await RunningServer.run(configuration) { server in
            for (host, tag) in [("10.0.0.1", "blue"), ("10.0.0.2", "green")] {
                try await server.registry.register(
                    Registration(service: "web", host: host, port: 8081, tags: [tag], lease: .permanent))
            }
            let stored = try await server.request(
                "POST", "/v1/query",
                #"{"Name": "near.web", "Service": {"Service": "web", "Tags": ["blue"]}, "DNS": {"TTL": "7s"}}"#)
            #expect(stored.status == 200, "\(stored.body)")
            let id = try #require(stored.json["ID"]?.stringValue)
            for name in ["near.web", "Near.WEB", id] {
                let answers = try await DNSClient.datagrams(
                    [DNSClient.query("\(name).query.dc1.consul", .srv)], expecting: 1, port: server.dnsPort)
                let texts = try Message(parsing: answers[0]).answers.map(\.text)
                #expect(texts == ["\(name).query.dc1.consul. 7 IN SRV 1 1 8081 0a000001.addr.dc1.consul."])
            }
            let unknown = try await DNSClient.datagrams(
                [DNSClient.query("far.query.consul", .a)], expecting: 1, port: server.dnsPort)
            #expect(try Message(parsing: unknown[0]).responseCode == .nameError)
        }
    }

    @Test("a service, a node and the lack of something may be kept for as long as is configured")
    func timesToLive() async throws {
        let fixture = DNSFixture { configuration in
            configuration.ttl.services = .seconds(1)
            configuration.ttl.rules = ["db*": .seconds(2), "db-main*": .seconds(3), "db-main-1": .seconds(4)]
            configuration.ttl.nodes = .seconds(5)
            configuration.ttl.negative = .seconds(6)
        }
        for (name, ttl) in [("web", 1), ("DB", 2), ("db-other", 2), ("db-main-2", 3), ("DB-Main-1", 4)] {
            try await fixture.register(ServiceName(name), "10.0.0.1")
            #expect(try fixture.ask("\(name).service.consul").answers.map(\.ttl) == [UInt32(ttl)])
        }
        #expect(try fixture.ask("golden-node.node.consul").answers.map(\.ttl) == [5])
        #expect(try fixture.ask("none.service.consul").authorities.map(\.ttl) == [6])
    }

    @Test("a domain of several labels is answered for, and no other")
    func domain() async throws {
        let fixture = DNSFixture { $0.domain = DomainName("registry.example.org") ?? .root }
        try await fixture.register("web", "10.0.0.1")
        #expect(try fixture.ask("web.service.Registry.Example.org").found == ["10.0.0.1"])
        #expect(try fixture.ask("registry.example.org", .soa).found.first?.hasPrefix("ns.registry.example.org.") == true)
        for name in ["web.service.consul", "example.org", "xregistry.example.org", ".", "service.org"] {
            let answer = try fixture.ask(name)
            #expect(answer.responseCode == .refused && !answer.flags.isAuthoritative && answer.answers.isEmpty)
        }
    }
}
