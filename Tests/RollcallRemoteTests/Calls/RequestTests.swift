// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOHTTP1
import Rollcall
@testable import RollcallRemote
import Testing

@Suite("What a remote registry asks a server", .timeLimit(.minutes(1)))
struct RequestTests {
    @Test("one heartbeat is a request for the instance; its outcome is in the status")
    func heartbeat() async throws {
        let server = try await ScriptedServer { request in
            switch request.number {
            case 0: .reply(204, "")
            case 1: .reply(404, #"{"type": "urn:rollcall:problem:unknown-instance", "status": 404}"#)
            default: .reply(409, #"{"type": "urn:rollcall:problem:fenced", "status": 409, "currentIncarnation": 9}"#)
            }
        }
        try await withRemote([server.address]) { registry in
            var outcomes: [HeartbeatOutcome] = []
            for incarnation in [nil, nil, Incarnation(4)] {
                outcomes.append(try await registry.heartbeat(InstanceKey("web", "a/b"), incarnation: incarnation))
            }
            #expect(outcomes == [.renewed, .unknown, .fenced(Incarnation(9))])
        }
        let uri = "/api/v1/services/web/instances/a%2Fb/heartbeat"
        #expect(server.requests.map(\.uri) == [uri, uri, uri + "?incarnation=4"])
        #expect(server.requests.map(\.method) == [.PUT, .PUT, .PUT])
        try await server.stop()
    }

    @Test("many heartbeats go in requests of at most 1,000, and the outcomes come in order")
    func heartbeats() async throws {
        let server = try await ScriptedServer { request in
            let count = (try? JSONValue.parse(Array(request.body.utf8)))?["heartbeats"]?.arrayValue?.count ?? 0
            return .reply(
                200, #"{"renewed": \#(count - 1), "refused": [{"index": \#(count - 1), "outcome": "unknown"}]}"#)
        }
        try await withRemote([server.address]) { registry in
            let beats = (0 ..< 2500).map { Heartbeat(InstanceKey("web", InstanceID("\($0)"))) }
            let outcomes = try await registry.heartbeat(beats)
            let unknown = outcomes.indices.filter { outcomes[$0] == .unknown }
            #expect(outcomes.count == 2500)
            #expect(unknown == [999, 1999, 2499])
            let none = try await registry.heartbeat([])
            #expect(none.isEmpty)
        }
        #expect(server.requests.map(\.uri) == Array(repeating: "/api/v1/heartbeats", count: 3))
        try await server.stop()
    }

    @Test("updates name what they change in the path and say how in the body")
    func updates() async throws {
        let body = String(decoding: Sample.instance("a", revision: 3).jsonBytes(), as: UTF8.self)
        let server = try await ScriptedServer { _ in .reply(200, body) }
        let until = WallTime(millisecondsSinceEpoch: 1000)
        let updates: [InstanceUpdate] = [
            .desired(.draining(until: until, reason: "moving")), .readiness(.starting),
            .check(id: "disk/1", status: .warning, output: "90 %"), .removeCheck(id: "disk/1"),
        ]
        try await withRemote([server.address]) { registry in
            for update in updates {
                try await registry.update(InstanceKey("web", "a"), incarnation: Incarnation(2), update)
            }
        }
        let start = "/api/v1/services/web/instances/a/"
        #expect(
            server.requests.map { "\($0.method) \($0.uri.dropFirst(start.count)) \($0.body)" } == [
                #"PUT state?incarnation=2 {"desired":"draining","reason":"moving","until":"1970-01-01T00:00:01.000Z"}"#,
                #"PUT readiness?incarnation=2 {"readiness":"starting"}"#,
                #"PUT checks/disk%2F1?incarnation=2 {"status":"warning","output":"90 %"}"#,
                "DELETE checks/disk%2F1?incarnation=2 ",
            ])
        try await server.stop()
    }

    @Test("resolving names the policy, the filters and the key")
    func resolving() async throws {
        let body = String(decoding: Sample.instance("a", revision: 3).jsonBytes(), as: UTF8.self)
        let server = try await ScriptedServer { _ in .reply(200, body) }
        try await withRemote([server.address]) { registry in
            let plain = try await registry.resolve("web")
            let full = try await registry.resolve(
                "web", policy: .maglev, tags: ["a", "b"], zone: "z", metadata: ["k": "v"], key: "user 7")
            #expect(plain.id == "a" && full.id == "a")
        }
        let path = "/api/v1/services/web/resolve?policy="
        #expect(server.requests.map(\.uri) == [
            path + "round-robin", path + "maglev&tag=a&tag=b&zone=z&metadata.k=v&key=user%207",
        ])
        try await server.stop()
    }

    @Test("an identity that no path can name is known nowhere, without asking")
    func emptyNames() async throws {
        let dead = try await deadAddress()
        try await withRemote([dead]) { registry in
            let found = try await registry.lookup("")
            let outcome = try await registry.heartbeat(InstanceKey("", "a"))
            let removal = await failure { () throws(RegistryError) in
                try await registry.deregister(InstanceKey("web", ""))
            }
            let update = await failure { () throws(RegistryError) in
                try await registry.update(InstanceKey("", ""), incarnation: nil, .readiness(.ready))
            }
            let registration = await failure { () throws(RegistryError) in
                try await registry.register(Registration(service: "", id: "", host: "", port: 1))
            }
            #expect(found.isEmpty)
            #expect(outcome == .unknown)
            #expect(removal?.code == .unknownInstance)
            #expect(update?.code == .unknownInstance)
            #expect(registration?.faults.map(\.field) == ["service", "id", "host"])
        }
    }

    @Test("after the shutdown every call says so, and a second shutdown does nothing")
    func closed() async throws {
        let registry = RemoteRegistry(addresses: [ServerAddress(host: "127.0.0.1", port: 1)])
        await registry.shutdown()
        await registry.shutdown()
        let errors = [
            await failure { () throws(RegistryError) in _ = try await registry.services() },
            await failure { () throws(RegistryError) in try await registry.deregister(InstanceKey("a", "b")) },
            await failure { () throws(RegistryError) in _ = try await registry.heartbeat(InstanceKey("a", "b")) },
        ]
        #expect(errors.map { $0?.code } == [.closed, .closed, .closed])
        for await event in registry.watch(.all) { Issue.record("the watch told \(event.words)") }
    }
}
