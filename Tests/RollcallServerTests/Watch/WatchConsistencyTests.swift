// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import NIOEmbedded
import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("Watches over HTTP, whatever happens to their clients", .timeLimit(.minutes(2)))
struct WatchConsistencyTests {
    /// Publishes changes to a catalog that keeps few of them.
    private struct Feed {
        let catalog: Catalog
        private var revision: UInt64 = 0
        private var present: Set<InstanceKey> = []

        init() {
            var configuration = Catalog.Configuration()
            configuration.historyChanges = 40
            configuration.changesPerEvent = 8
            catalog = Catalog(configuration: configuration)
        }

        mutating func publish(_ keys: [InstanceKey], metadata: [String: String] = [:], removing: Bool = false) {
            var changes: [InstanceChange] = []
            for key in keys where !removing || present.contains(key) {
                revision += 1
                let registration = Registration(
                    service: key.service, id: key.id, host: "h", port: 80, metadata: metadata)
                let instance = ServiceInstance(
                    registration: registration, incarnation: Incarnation(1), revision: Revision(revision),
                    registeredAt: WallTime(millisecondsSinceEpoch: 0), changedAt: WallTime(millisecondsSinceEpoch: 0))
                let kind: InstanceChange.Kind =
                    removing ? .deregistered : (present.insert(key).inserted ? .registered : .updated)
                if removing { present.remove(key) }
                changes.append(
                    InstanceChange(revision: Revision(revision), kind: kind, instance: instance, bornAt: .zero))
            }
            catalog.publish(changes)
        }

        mutating func publish(using random: inout SeededGenerator) {
            let keys = (0 ..< Int.random(in: 1 ... 3, using: &random)).map { _ in
                let service = ["a", "b", "c"].randomElement(using: &random) ?? "a"
                return InstanceKey(ServiceName(service), InstanceID("\(Int.random(in: 0 ..< 4, using: &random))"))
            }
            publish(Array(Set(keys)).sorted(), removing: Int.random(in: 0 ..< 3, using: &random) == 0)
        }

        /// The revision of each instance of these services, by `service/id`.
        func state(_ services: Set<String>) -> [String: Int64] {
            var state: [String: Int64] = [:]
            for service in catalog.snapshots().services where services.contains(service.service.value) {
                for instance in service.instances {
                    state["\(service.service.value)/\(instance.id.value)"] = Int64(instance.revision.value)
                }
            }
            return state
        }
    }

    private static let scopes: [(query: String, services: Set<String>)] = [
        ("", ["a", "b", "c"]), ("?service=a", ["a"]), ("?service=a&service=b", ["a", "b"]), ("?service=c", ["c"]),
    ]

    @Test("every client ends with the state of the catalog, by growing revisions", arguments: 1 ... 30)
    func random(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var feed = Feed()
        let loop = NIOAsyncTestingEventLoop()
        let responder = WatchResponder(feed.catalog)
        var clients: [(client: WatchClient, services: Set<String>, stuckAt: Int?)] = []
        func release(_ index: Int) async throws {
            guard let bytes = clients[index].stuckAt else { return }
            // What waits for a client that takes nothing does not grow.
            #expect(try await clients[index].client.connection.waitingBytes <= bytes, "seed \(seed)")
            clients[index].stuckAt = nil
            try await clients[index].client.connection.setStuck(false, isWritable: true)
        }
        for step in 0 ..< 150 {
            let index = clients.isEmpty ? 0 : Int.random(in: 0 ..< clients.count, using: &random)
            switch Int.random(in: 0 ..< 16, using: &random) {
            case 0 ... 1 where clients.count < 12:
                let scope = Self.scopes.randomElement(using: &random) ?? Self.scopes[0]
                let label = "seed \(seed), client \(clients.count) from step \(step)"
                clients.append(
                    (try await WatchClient(responder, scope.query, on: loop, label: label), scope.services, nil))
            case 2 ... 3 where !clients.isEmpty && clients[index].stuckAt == nil:
                try await clients[index].client.connection.setStuck(true, isWritable: false)
                clients[index].stuckAt = try await clients[index].client.connection.waitingBytes
            case 4 where !clients.isEmpty: try await release(index)
            case 5 where !clients.isEmpty:
                try await release(index)
                try await clients[index].client.reconnect()
            case 6:
                let since = WallTime(millisecondsSinceEpoch: 0)
                feed.catalog.setEngine(feed.catalog.engine == .connected ? .stale(since: since) : .connected)
            case 7: await loop.run()
            default: feed.publish(using: &random)
            }
        }
        let state = feed.catalog.engine == .connected ? "connected" : "stale"
        for index in clients.indices {
            try await release(index)
            await loop.run()
            try await clients[index].client.read()
            let (client, services, _) = clients[index]
            #expect(client.instances == feed.state(services), "seed \(seed), client \(index)")
            #expect(client.engine == state, "seed \(seed), client \(index)")
            await client.connection.close()
        }
        await loop.run()
        #expect(feed.catalog.observerCount == 0, "seed \(seed): a group outlives its streams")
    }

    @Test("the first stream of a group is told that the engine is lost, though nothing else happens")
    func engine() async throws {
        var feed = Feed()
        feed.publish([InstanceKey("a", "1")])
        let loop = NIOAsyncTestingEventLoop()
        let responder = WatchResponder(feed.catalog)
        for query in ["", "?service=a", "?service=a&from=1"] {
            feed.catalog.setEngine(.connected)
            var client = try await WatchClient(responder, query, on: loop, label: query)
            try await client.read()
            #expect(client.engine == "connected")
            feed.catalog.setEngine(.stale(since: WallTime(millisecondsSinceEpoch: 0)))
            await loop.run()
            try await client.read()
            #expect(client.engine == "stale", "\(query)")
            await client.connection.close()
        }
    }

    @Test("one slow client has no part in what the others are sent, and is given the newest state afterwards")
    func slowClient() async throws {
        var feed = Feed()
        let factory = PrometheusFactory()
        let loop = NIOAsyncTestingEventLoop()
        let responder = WatchResponder(feed.catalog, factory: factory)
        var slow = try await WatchClient(responder, "?service=a", on: loop, label: "slow")
        var quick = try await WatchClient(responder, "?service=a", on: loop, label: "quick")
        try await slow.read()
        try await slow.connection.setStuck(true, isWritable: false)
        for round in 1 ... 2000 {
            feed.publish([InstanceKey("a", "1")], metadata: ["round": "\(round)"])
            await loop.run()
            if round % 500 == 0 {
                try await quick.read()
                #expect(quick.changes == round)
            }
        }
        #expect(try await slow.connection.waitingBytes == 0)
        try await slow.connection.setStuck(false, isWritable: true)
        try await slow.read()
        #expect(slow.causes == ["initial", "coalesced"])
        #expect(slow.changes == 0)
        #expect(slow.instances == feed.state(["a"]))
        #expect(factory.exposition().contains("rollcall_watch_coalesced_total 1\n"))
        await slow.connection.close()
        await quick.connection.close()
    }

    @Test("a comment is sent while nothing happens, and not to a client that takes nothing")
    func keepAlive() async throws {
        let feed = Feed()
        let loop = NIOAsyncTestingEventLoop()
        let responder = WatchResponder(feed.catalog)
        var client = try await WatchClient(responder, "", on: loop, label: "client")
        // The first interval had the snapshot in it.
        await client.connection.advance(by: .seconds(60))
        try await client.read()
        #expect(client.comments == ["keep-alive", "keep-alive", "keep-alive"])
        try await client.connection.setStuck(true, isWritable: false)
        await client.connection.advance(by: .seconds(30))
        #expect(try await client.connection.waitingBytes == 0)
        await client.connection.close()
    }

    @Test("a watch that is never asked for to the end keeps no place")
    func incompleteRequests() async throws {
        var configuration = WatchConfiguration()
        configuration.streamCountMax = 1
        let feed = Feed()
        let loop = NIOAsyncTestingEventLoop()
        let factory = PrometheusFactory()
        let responder = WatchResponder(feed.catalog, ManualClock(), configuration, factory: factory)
        for _ in 0 ..< 3 {
            let connection = try await TestConnection(responder, on: loop)
            try await connection.send("GET /watch HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n")
            await connection.close()
        }
        var client = try await WatchClient(responder, "", on: loop, label: "client")
        try await client.read()
        #expect(client.causes == ["initial"])
        let second = try await TestConnection(responder, on: loop)
        try await second.send("GET /watch HTTP/1.1\r\nhost: x\r\n\r\n")
        let refusal = try await second.answer()
        #expect(refusal.status == 503)
        #expect(refusal.headers["retry-after"] == "5")
        #expect(factory.exposition().contains("rollcall_watch_refused_total 1\n"))
        // The place of a client that went is free at once.
        await client.connection.close()
        try await second.send("GET /watch HTTP/1.1\r\nhost: x\r\n\r\n")
        let opened = try await second.sent()
        #expect(opened.hasPrefix("HTTP/1.1 200 "))
        await second.close()
        #expect(factory.exposition().contains("rollcall_watch_streams 0\n"))
    }

    @Test("a watch that begins on a full socket goes on when there is room")
    func fullAtStart() async throws {
        var feed = Feed()
        feed.publish([InstanceKey("a", "1")])
        let loop = NIOAsyncTestingEventLoop()
        let connection = try await TestConnection(WatchResponder(feed.catalog), on: loop)
        try await connection.fillAtNextWrite()
        // The answer to the first request fills the socket before the second one begins.
        try await connection.send(
            "GET /watch?unknown HTTP/1.1\r\nhost: x\r\n\r\nGET /watch HTTP/1.1\r\nhost: x\r\n\r\n")
        feed.publish([InstanceKey("a", "2")])
        await loop.run()
        try await connection.setStuck(false, isWritable: true)
        let text = try await connection.sent()
        #expect(text.contains("event: synced\n") && text.contains("\"id\":\"2\""))
        await connection.close()
    }

    @Test("a stopping server says so to each stream, also in the middle of a snapshot")
    func shutdown() async throws {
        var feed = Feed()
        for number in 0 ..< 5 { feed.publish([InstanceKey("a", InstanceID("\(number)"))]) }
        let loop = NIOAsyncTestingEventLoop()
        let responder = WatchResponder(feed.catalog)
        var clients = [
            try await WatchClient(responder, "", on: loop, label: "all"),
            try await WatchClient(responder, "?service=b", on: loop, label: "empty"),
        ]
        try await clients[0].connection.setStuck(true, isWritable: false)
        for index in clients.indices { try await clients[index].connection.quiesce() }
        try await clients[0].connection.setStuck(false, isWritable: true)
        for index in clients.indices {
            try await clients[index].read()
            #expect(clients[index].hasEnded)
            #expect(try await clients[index].connection.outputIsClosed)
            await clients[index].connection.close()
        }
        #expect(feed.catalog.observerCount == 0)
    }
}
