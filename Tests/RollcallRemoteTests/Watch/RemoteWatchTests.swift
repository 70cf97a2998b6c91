// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOHTTP1
import Rollcall
@testable import RollcallRemote
import RollcallTesting
import Testing

@Suite("A watch of a server", .timeLimit(.minutes(1)))
struct RemoteWatchTests {
    private static let busy = ScriptedServer.Answer.reply(
        503, #"{"type": "urn:rollcall:problem:too-many-watchers", "status": 503}"#, type: "application/problem+json")

    @Test("resumes after the connection was cut, and nothing is missed")
    func resume() async throws {
        let server = try await ScriptedServer { request in
            request.headers["last-event-id"].isEmpty
                ? .stream(Sample.snapshotEvents(["a"], revision: 10)) : .stream(": resumed\n\n")
        }
        try await withRemote([server.address]) { registry in
            var mirror = WatchMirror(registry.watch(.service("web")))
            let first = try #require(await server.nextStream())
            #expect(first.request.uri == "/api/v1/watch?service=web")
            try await mirror.read { $0.instances.count == 1 }
            try await first.send(Sample.changeEvent("b", revision: 11))
            try await mirror.read { $0.instances.count == 2 }
            // The change that was cut off is one that the client has not seen.
            let cutOff = Sample.changeEvent("c", revision: 12)
            try await first.send(String(cutOff.dropLast(3)))
            try await first.cut()

            let second = try #require(await server.nextStream())
            #expect(second.request.headers["last-event-id"] == ["11"])
            try await second.send(cutOff + Sample.changeEvent("a", .evicted, revision: 13))
            try await mirror.read { $0.instances.keys.map(\.id).sorted() == ["b", "c"] }
            #expect(mirror.snapshots == [.initial])
            #expect(mirror.changes.map(\.revision.value) == [11, 12, 13])
        }
        try await server.stop()
    }

    @Test("waits for a server that is busy at first, and tells nothing until it has the whole")
    func busyAtFirst() async throws {
        let server = try await ScriptedServer { request in
            request.number < 3 ? Self.busy : .stream(Sample.snapshotEvents(["a"], revision: 10))
        }
        try await withRemote([server.address]) { registry in
            var mirror = WatchMirror(registry.watch(.all))
            let event = await mirror.next()
            #expect(event?.words == "snapshot initial 10 web[a]")
        }
        #expect(server.requests.count == 4)
        #expect(server.requests.map(\.uri) == Array(repeating: "/api/v1/watch", count: 4))
        try await server.stop()
    }

    @Test("goes over to another server, resumes there, and is stale in between when that takes more than one try")
    func failover() async throws {
        let first = try await ScriptedServer { request in
            request.number == 0 ? .stream(Sample.snapshotEvents(["a"], revision: 10)) : .cut()
        }
        let second = try await ScriptedServer { request in request.number == 0 ? Self.busy : .stream(": resumed\n\n") }
        try await withRemote([first.address, second.address]) { registry in
            var iterator = registry.watch(.service("web")).makeAsyncIterator()
            #expect(await iterator.next()?.words == "snapshot initial 10 web[a]")
            try await first.nextStream()?.cut()
            let stale = await iterator.next()
            guard case .engine(.stale)? = stale else {
                Issue.record("\(stale?.words ?? "nothing") came instead of stale")
                return
            }
            let stream = try #require(await second.nextStream())
            #expect(stream.request.headers["last-event-id"] == ["10"])
            #expect(await iterator.next()?.words == "connected")
            try await stream.send(Sample.changeEvent("b", revision: 11))
            #expect(await iterator.next()?.words == "changes 11 +b")
        }
        for server in [first, second] { try await server.stop() }
    }

    @Test("takes a connection that is silent for too long for dead")
    func silence() async throws {
        let server = try await ScriptedServer { request in
            .stream(
                request.headers["last-event-id"].isEmpty
                    ? Sample.snapshotEvents(["a"], revision: 10) : ": resumed\n\n")
        }
        var configuration = RemoteConfiguration.eager
        configuration.silenceLimit = .milliseconds(300)
        try await withRemote([server.address], configuration) { registry in
            let consumer = Task {
                var mirror = WatchMirror(registry.watch(.service("web")))
                try? await mirror.read { $0.events == .max }
            }
            // The first ones may have been silent before their beginning was read, on a busy machine.
            while let stream = await server.nextStream() {
                if stream.request.headers["last-event-id"] == ["10"] { break }
            }
            consumer.cancel()
            await consumer.value
        }
        try await server.stop()
    }

    @Test("connects anew when an answer is no stream, when an event is nonsense and when one is too large", arguments: [
        ScriptedServer.Answer.reply(200, "<html>", type: "text/html"),
        .reply(404, #"{"type": "urn:rollcall:problem:not-found", "status": 404}"#),
        .stream("event: synced\ndata: {\"revision\": \n\n"),
        .stream("event: change\ndata: {}\n\n"),
        .stream("data: " + String(repeating: "x", count: 5000)),
        .cut(),
    ])
    func nonsense(_ answer: ScriptedServer.Answer) async throws {
        let server = try await ScriptedServer { request in
            request.number < 2 ? answer : .stream(Sample.snapshotEvents(["a"], revision: 10))
        }
        var configuration = RemoteConfiguration.eager
        configuration.eventBytes = 4000
        try await withRemote([server.address], configuration) { registry in
            var mirror = WatchMirror(registry.watch(.service("web")))
            try await mirror.read { $0.instances.count == 1 }
            #expect(mirror.events == 1)
        }
        #expect(server.requests.count == 3)
        try await server.stop()
    }

    @Test("closes its connection when its task is cancelled, and when its iterator is released")
    func release() async throws {
        let server = try await ScriptedServer { _ in .stream(Sample.snapshotEvents(["a"], revision: 10)) }
        try await withRemote([server.address]) { registry in
            let watch = registry.watch(.service("web"))
            let task = Task {
                var count = 0
                for await _ in watch { count += 1 }
                return count
            }
            let cancelled = try #require(await server.nextStream())
            task.cancel()
            #expect(await task.value <= 1)
            try await cancelled.closed()

            var iterator: Watch.Iterator? = watch.makeAsyncIterator()
            let released = try #require(await server.nextStream())
            #expect(await iterator?.next()?.words == "snapshot initial 10 web[a]")
            iterator = nil
            try await released.closed()
        }
        try await server.stop()
    }

    @Test("ends when the registry is shut down, also while it waits for a server")
    func shutdown() async throws {
        let server = try await ScriptedServer { request in
            request.number == 0 ? .stream(Sample.snapshotEvents(["a"], revision: 10)) : .silence
        }
        var configuration = RemoteConfiguration.eager
        configuration.watchBackoff = Backoff(initial: .seconds(600), maximum: .seconds(600), minimum: .seconds(600))
        let registry = RemoteRegistry(addresses: [server.address], configuration: configuration)
        var open = registry.watch(.service("web")).makeAsyncIterator()
        #expect(await open.next()?.words == "snapshot initial 10 web[a]")
        let dead = RemoteRegistry(addresses: [try await deadAddress()], configuration: configuration)
        var waiting = dead.watch(.all).makeAsyncIterator()
        await registry.shutdown()
        await dead.shutdown()
        #expect(await open.next() == nil)
        #expect(await waiting.next() == nil)
        try await server.stop()
    }

    @Test("of no service tells an empty snapshot and asks nobody")
    func nothing() async throws {
        try await withRemote([try await deadAddress()]) { registry in
            var none = registry.watch(.services([])).makeAsyncIterator()
            var nameless = registry.watch(.service("")).makeAsyncIterator()
            #expect(await none.next()?.words == "snapshot initial 0 ")
            #expect(await nameless.next()?.words == "snapshot initial 0 []")
        }
    }

    @Test("does not wait for another watch to end, however many there are")
    func many() async throws {
        let server = try await ScriptedServer { _ in .stream(Sample.snapshotEvents(["a"], revision: 10)) }
        try await withRemote([server.address]) { registry in
            var iterators = (0 ..< 50).map { _ in registry.watch(.service("web")).makeAsyncIterator() }
            for position in iterators.indices {
                #expect(await iterators[position].next()?.words == "snapshot initial 10 web[a]")
            }
        }
        try await server.stop()
    }

    @Test("hands over a flood of changes completely and in order")
    func flood() async throws {
        let server = try await ScriptedServer { _ in .stream(Sample.snapshotEvents([], revision: 10)) }
        try await withRemote([server.address]) { registry in
            var mirror = WatchMirror(registry.watch(.service("web")))
            try await mirror.read { $0.events == 1 }
            let stream = try #require(await server.nextStream())
            let total: UInt64 = 8000
            let writer = Task {
                for batch in 0 ..< total / 500 {
                    let events = (0 ..< 500).map { Sample.changeEvent("a", .updated, revision: 11 + batch * 500 + $0) }
                    try await stream.send(events.joined())
                }
            }
            try await mirror.read { $0.revision == Revision(10 + total) }
            try await writer.value
            #expect(mirror.changes.count == Int(total))
            #expect(mirror.snapshots == [.initial])
        }
        try await server.stop()
    }
}
