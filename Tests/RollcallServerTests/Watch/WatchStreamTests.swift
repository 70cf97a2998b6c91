// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Rollcall
import RollcallServer
import RollcallTesting
import Testing

@Suite("A watch over HTTP", .timeLimit(.minutes(2)))
struct WatchStreamTests {
    private static func registration(_ id: InstanceID, _ service: ServiceName = "web", port: UInt16 = 80) -> Registration {
        Registration(service: service, id: id, host: "10.0.0.1", port: port)
    }

    @Test("begins with snapshots and synced, then tells each change with its revision")
    func events() async throws {
        try await RunningServer.run { (server) async throws in
            let first = try await server.registry.register(Self.registration("a"))
            let reader = try await EventReader.open(server, "?service=web")
            #expect(reader.headers.first(name: "content-type") == "text/event-stream")

            let snapshot = try #require(await reader.next())
            #expect(snapshot.name == "snapshot")
            #expect(snapshot.id == nil)
            #expect(snapshot.data["service"] == .string("web"))
            let instance = try JSONValue.parse(first.instance.jsonBytes())
            #expect(snapshot.data["instances"] == .array([instance]))
            let synced = try #require(await reader.next())
            #expect(synced.name == "synced")
            #expect(synced.id == first.instance.revision.value)
            #expect(synced.data["cause"] == .string("initial"))

            try await server.registry.deregister(InstanceKey("web", "a"))
            let change = try #require(await reader.next())
            #expect(change.name == "change")
            #expect(change.id == first.instance.revision.value + 1)
            #expect(change.data["kind"] == .string("deregistered"))
            #expect(change.data["id"] == .string("a"))
        }
    }

    @Test("follows several services or all, and not the others")
    func scopes() async throws {
        try await RunningServer.run { (server) async throws in
            try await server.registry.register(Self.registration("a", "one"))
            try await server.registry.register(Self.registration("b", "three"))
            let several = try await EventReader.open(server, "?service=one&service=two")
            let all = try await EventReader.open(server)
            var names: [[String?]] = [[], []]
            while let event = await several.next(), event.name != "synced" {
                names[0].append(event.data["service"]?.stringValue)
            }
            while let event = await all.next(), event.name != "synced" {
                names[1].append(event.data["service"]?.stringValue)
            }
            #expect(names[0] == ["one"])
            #expect(Set(names[1]) == ["one", "three"])
            try await server.registry.register(Self.registration("c", "three"))
            try await server.registry.register(Self.registration("d", "two"))
            #expect(await several.next()?.data["id"] == .string("d"))
            #expect(await all.next()?.data["id"] == .string("c"))
        }
    }

    @Test("resumes where the client was, also when nothing has happened, and says when it cannot")
    func resume() async throws {
        try await RunningServer.run { (server) async throws in
            let revision = try await server.registry.register(Self.registration("a")).instance.revision.value
            let quiet = try await EventReader.open(server, "?service=web", lastEventID: "\(revision)")
            #expect(await quiet.next()?.comment == "resumed")
            try await server.registry.register(Self.registration("b"))
            #expect(await quiet.next()?.data["id"] == .string("b"))

            let late = try await EventReader.open(server, "?service=web&from=\(revision)")
            #expect(await late.next()?.comment == "resumed")
            #expect(await late.next()?.data["id"] == .string("b"))

            let lost = try await EventReader.open(server, "?service=web", lastEventID: "999999")
            #expect(await lost.next()?.name == "snapshot")
            #expect(await lost.next()?.data["cause"] == .string("gap"))
        }
    }

    @Test("is refused when it cannot be read, or when there are too many")
    func refusals() async throws {
        var configuration = ServerConfiguration()
        configuration.watches.streamCountMax = 2
        configuration.watches.serviceCountMax = 3
        try await RunningServer.run(configuration) { (server) async throws in
            let wrong = ["?servce=web", "?service=", "?from=x", "?service=a&service=b&service=c&service=d"]
            for query in wrong {
                #expect(try await server.request("GET", "/api/v1/watch\(query)").problem == "malformed", "\(query)")
            }
            let first = try await EventReader.open(server)
            let second = try await EventReader.open(server)
            #expect(first.status == 200 && second.status == 200)
            let third = try await server.request("GET", "/api/v1/watch")
            #expect(third.problem == "too-many-watchers")
            #expect(third.headers["retry-after"] != nil)
            try await first.close()
            try await second.close()
        }
    }

    @Test("ends with a word when the server stops")
    func shutdown() async throws {
        let (readers, sink) = AsyncStream.makeStream(of: EventReader.self)
        try await RunningServer.run { (server) async throws in
            let reader = try await EventReader.open(server, "?service=web")
            await reader.readSnapshot()
            sink.yield(reader)
        }
        var iterator = readers.makeAsyncIterator()
        let reader = try #require(await iterator.next())
        let end = await reader.next()
        #expect(end?.name == "end")
        #expect(end?.data["reason"] == .string("shutdown"))
        #expect(await reader.next() == nil)
    }

    @Test("1,000 clients that read nothing hold little memory and disturb nobody")
    func deafClients() async throws {
        var configuration = ServerConfiguration()
        // On a busy machine the test takes longer than a deaf client is put up with.
        configuration.http.limits.stallTimeMax = .seconds(3600)
        try await RunningServer.run(configuration) { (server) async throws in
            try await server.registry.register(Self.registration("a"))
            let deaf = try await DeafClients.open(1000, port: server.port)
            let reader = try await EventReader.open(server, "?service=web")
            await reader.readSnapshot()

            // 3 MB of events for each: more than a socket takes.
            let text = String(repeating: "x", count: 4000)
            let before = residentBytes()
            for round in 0 ..< 700 {
                var registration = Self.registration("a", port: UInt16(1000 + round))
                registration.metadata = ["text": text]
                try await server.registry.register(registration)
                let seen = await reader.next()
                #expect(seen?.data["instance"]?["port"]?.intValue == Int64(1000 + round), "round \(round)")
            }
            // Queued for all they would be 3 GB.
            #expect(residentBytes() - before < 300 << 20)

            // One of them begins to read: it is given the newest state.
            let last = try await deaf.lastPort(of: 0)
            #expect(last == 1699)
            try await deaf.close()
        }
    }
}

/// Clients that ask for a watch and then take nothing from their sockets.
private final class DeafClients: Sendable {
    private let channels: [any Channel]
    private let ports: [AsyncStream<Int>]

    private init(_ channels: [any Channel], _ ports: [AsyncStream<Int>]) {
        self.channels = channels
        self.ports = ports
    }

    static func open(_ count: Int, port: Int) async throws -> DeafClients {
        var channels: [any Channel] = []
        var streams: [AsyncStream<Int>] = []
        for _ in 0 ..< count {
            let (ports, sink) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.autoRead, value: false)
                .channelOption(.socketOption(.so_rcvbuf), value: 16 * 1024)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(PortFinder(sink))
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
            let request = "GET /api/v1/watch?service=web HTTP/1.1\r\nhost: x\r\n\r\n"
            try await channel.writeAndFlush(ByteBuffer(string: request)).get()
            channels.append(channel)
            streams.append(ports)
        }
        return DeafClients(channels, streams)
    }

    /// Lets one client read, and returns the port of the newest state once it is the last one that was registered.
    func lastPort(of index: Int) async throws -> Int {
        try await channels[index].setOption(.autoRead, value: true).get()
        channels[index].read()
        for await port in ports[index] where port == 1699 { return port }
        return 0
    }

    func close() async throws {
        for channel in channels { try? await channel.close().get() }
    }
}

/// Tells the numbers that stand behind `"port":` in what comes.
private final class PortFinder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let sink: AsyncStream<Int>.Continuation
    private var tail = ""

    init(_ sink: AsyncStream<Int>.Continuation) {
        self.sink = sink
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        tail += String(buffer: Self.unwrapInboundIn(data))
        let parts = tail.split(separator: "\"port\":")
        for part in parts.dropFirst() {
            let digits = part.prefix { $0.isNumber }
            if digits.count < part.count, let port = Int(digits) { sink.yield(port) }
        }
        tail = String(tail.suffix(20))
    }
}

/// The resident memory of this process.
private func residentBytes() -> Int {
    guard let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " "),
        pages.count > 1, let resident = Int(pages[1])
    else { return 0 }
    return resident * 4096
}
