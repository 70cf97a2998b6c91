// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOPosix
import Rollcall
import RollcallDNS
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("DNS over sockets", .timeLimit(.minutes(2)))
struct DNSListenerTests {
    private static func run<Value: Sendable>(
        _ change: (inout DNSConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (RunningServer) async throws -> Value
    ) async throws -> Value {
        var configuration = ServerConfiguration()
        configuration.dns.isEnabled = true
        change(&configuration.dns)
        return try await RunningServer.run(configuration) { server in
            for number in 0 ..< 200 {
                try await server.registry.register(
                    Registration(service: "many", host: "10.0.0.\(number)", port: 80, lease: .permanent))
            }
            return try await body(server)
        }
    }

    @Test("many datagrams of one client are each answered, those that are no query are not")
    func datagrams() async throws {
        try await Self.run { server in
            var queries: [[UInt8]] = []
            // Few enough for any socket's buffer: what does not fit there is lost.
            for number in 0 ..< 40 as Range<UInt16> {
                queries.append(DNSClient.query("many.service.consul", .a, id: number))
                queries.append([1, 2, 3])
            }
            let answers = try await DNSClient.datagrams(queries, expecting: 40, port: server.dnsPort)
            let messages = try answers.map { bytes in try Message(parsing: bytes) }
            #expect(messages.map(\.id).sorted() == Array(0 ..< 40))
            #expect(messages.allSatisfy { $0.flags.isTruncated && $0.answers.count > 10 })
        }
    }

    @Test("an answer that was cut comes whole over a connection to the same port")
    func whole() async throws {
        try await Self.run { server in
            let plain = try await DNSClient.datagrams(
                [DNSClient.query("many.service.consul", .a)], expecting: 1, port: server.dnsPort)
            #expect(try Message(parsing: plain[0]).flags.isTruncated)
            try await DNSClient.connect(port: server.dnsPort) { connection, answers in
                try await connection.send(DNSClient.framed(DNSClient.query("many.service.consul", .a)))
                let answer = try await answers.next()
                #expect(answer?.answers.count == 200 && answer?.flags.isTruncated == false)
            }
        }
    }

    @Test("queries that come together, or in pieces, are answered in their order, and the rest after a half-close")
    func pipelining() async throws {
        try await Self.run { server in
            try await DNSClient.connect(port: server.dnsPort) { connection, answers in
                let ids = Array(1 ... 300 as ClosedRange<UInt16>)
                let bytes = ids.flatMap { DNSClient.framed(DNSClient.query("many.service.consul", .srv, id: $0)) }
                try await connection.send(Array(bytes[..<1000]))
                try await connection.send(Array(bytes[1000 ..< 1001]))
                try await connection.send(Array(bytes[1001...]))
                connection.outbound.finish()
                for id in ids { #expect(try await answers.next()?.id == id) }
                #expect(try await answers.next() == nil)
            }
        }
    }

    @Test("a connection that says nothing, or stops in the middle, is closed")
    func idle() async throws {
        try await Self.run({ $0.idleTimeMax = .milliseconds(50) }) { server in
            for bytes in [[], [0], [0, 40, 1, 2, 3]] as [[UInt8]] {
                try await DNSClient.connect(port: server.dnsPort) { connection, answers in
                    if !bytes.isEmpty { try await connection.send(bytes) }
                    #expect(try await answers.next() == nil)
                }
            }
        }
    }

    @Test("what is no query ends a connection; what is malformed is told so")
    func malformed() async throws {
        try await Self.run { server in
            try await DNSClient.connect(port: server.dnsPort) { connection, answers in
                try await connection.send(DNSClient.framed([0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 5]))
                #expect(try await answers.next()?.responseCode == .formatError)
                try await connection.send(DNSClient.framed([0, 9, 0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
                #expect(try await answers.next() == nil)
            }
        }
    }

    @Test("one connection too many is closed, and the others go on")
    func tooMany() async throws {
        try await Self.run({ $0.connectionCountMax = 1 }) { server in
            try await DNSClient.connect(port: server.dnsPort) { connection, answers in
                let query = DNSClient.framed(DNSClient.query("many.service.consul", .a))
                try await connection.send(query)
                #expect(try await answers.next() != nil)
                try await DNSClient.connect(port: server.dnsPort) { refused, none in
                    try? await refused.send(query)
                    let answer = try await none.next()
                    #expect(answer == nil)
                }
                try await connection.send(query)
                #expect(try await answers.next() != nil)
            }
            let page = try await server.request("GET", "/metrics").body
            #expect(page.contains("rollcall_dns_connections_refused_total 1\n"))
            #expect(page.contains("rollcall_dns_answers_total{code=\"NOERROR\",transport=\"tcp\"} 2\n"))
        }
    }

    @Test("a client that asks much and reads late gets all its answers")
    func unread() async throws {
        try await Self.run({ configuration in
            configuration.unreadBytesMax = 16 * 1024
        }) { server in
            try await DNSClient.connect(port: server.dnsPort) { connection, answers in
                // 2,000 answers of 12 kB: far more than sockets hold.
                let queries = (0 ..< 2000 as Range<UInt16>).flatMap {
                    DNSClient.framed(DNSClient.query("many.service.consul", .srv, id: $0))
                }
                try await connection.send(queries)
                for id in 0 ..< 2000 as Range<UInt16> { #expect(try await answers.next()?.id == id) }
            }
        }
    }

    @Test("a port that is taken is one clear error, for datagrams and for connections")
    func taken() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let fixture = DNSFixture()
        let connections = try await ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        let datagrams = try await DatagramBootstrap(group: group).bind(host: "127.0.0.1", port: 0).get()
        for channel in [connections, datagrams] {
            var configuration = DNSConfiguration()
            configuration.port = channel.localAddress?.port ?? 0
            let listener = DNSListener(
                configuration: configuration, dialect: fixture.dialect,
                metrics: DNSMetrics(factory: PrometheusFactory(help: [:])), group: group)
            let error = await #expect(throws: DNSListenerError.self) { _ = try await listener.open() }
            #expect(error?.description.contains("cannot listen for DNS on 127.0.0.1:\(configuration.port): ") == true)
        }
        try await connections.close()
        try await datagrams.close()
    }
}
