// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("Consul's sessions, events and prepared queries over HTTP", .timeLimit(.minutes(1)))
struct SessionRoutesTests {
    private func create(_ server: RunningServer, _ body: String) async throws -> String {
        let reply = try await server.request("PUT", "/v1/session/create", body)
        #expect(reply.status == 200, "\(reply.body)")
        return reply.json["ID"]?.stringValue ?? ""
    }

    private func index(_ reply: RunningServer.Reply) -> String { reply.headers["x-consul-index"] ?? "" }

    @Test("locks a key for one session at a time, and releases what a destroyed one held")
    func locks() async throws {
        try await RunningServer.run { server in
            let first = try await create(server, #"{"Name":"s","LockDelay":0,"Behavior":"release"}"#)
            let second = try await create(server, "")
            #expect(try await server.request("PUT", "/v1/kv/l?acquire=\(first)", "me").line == "true")
            #expect(try await server.request("PUT", "/v1/kv/l?acquire=\(first)", "me").line == "true")
            #expect(try await server.request("PUT", "/v1/kv/l?acquire=\(second)", "you").line == "false")
            #expect(try await server.request("PUT", "/v1/kv/l?release=\(second)").line == "false")
            let held = try await server.request("GET", "/v1/kv/l")
            #expect(held.json[0]?["LockIndex"] == .integer(1) && held.json[0]?["Session"] == .string(first))

            async let changed = server.request("GET", "/v1/kv/l?index=\(index(held))&wait=60s")
            #expect(try await server.request("PUT", "/v1/session/destroy/\(first)").line == "true")
            let released = try await changed
            #expect(released.json[0]?["Session"] == nil && released.json[0]?["Value"] == .string("bWU="))
            #expect(try await server.request("PUT", "/v1/kv/l?acquire=\(second)", "you").line == "true")
            #expect(try await server.request("GET", "/v1/kv/l").json[0]?["LockIndex"] == .integer(2))
            #expect(try await server.request("PUT", "/v1/session/destroy/\(second)").line == "true")
            // The second session had the usual delay.
            let third = try await create(server, #"{"Checks":[]}"#)
            #expect(try await server.request("PUT", "/v1/kv/l?acquire=\(third)").line == "false")
            server.clock.advance(by: .seconds(15))
            #expect(try await server.request("PUT", "/v1/kv/l?acquire=\(third)").line == "true")
            #expect(try await server.request("GET", "/v1/session/info/\(second)").line == "[]")
        }
    }

    @Test("shows sessions, in lists and one by one")
    func reads() async throws {
        try await RunningServer.run { server in
            let body =
                #"{"name":"n","ttl":"90s","lockdelay":"1500ms","behavior":"delete","ServiceChecks":[],"NodeChecks":[]}"#
            let id = try await create(server, body)
            let expected = #"[{"ID":"\#(id)","Name":"n","Node":"rollcall","LockDelay":1500000000,"Behavior":"delete","#
                + #""TTL":"90s","NodeChecks":[],"ServiceChecks":[],"CreateIndex":"#
            for path in ["info/\(id)", "list", "node/rollcall"] {
                let reply = try await server.request("GET", "/v1/session/\(path)")
                #expect(reply.body.hasPrefix(expected), "\(reply.body)")
                #expect(!index(reply).isEmpty && reply.headers["x-consul-knownleader"] == "true")
            }
            let renewed = try await server.request("PUT", "/v1/session/renew/\(id)")
            #expect(renewed.body.hasPrefix(expected) && renewed.headers["x-consul-index"] == nil)
            #expect(try await server.request("GET", "/v1/session/node/other").line == "[]")
        }
    }

    @Test("ends a session whose TTL runs out, and tells who waits for it")
    func expiry() async throws {
        try await RunningServer.run { server in
            let id = try await create(server, #"{"TTL":"10s","Behavior":"delete","LockDelay":"0s"}"#)
            _ = try await server.request("PUT", "/v1/kv/l?acquire=\(id)")
            let before = try await server.request("GET", "/v1/session/list")
            async let after = server.request("GET", "/v1/session/list?index=\(index(before))&wait=60s")
            while try await server.request("GET", "/v1/kv/l").status == 200 { server.clock.advance(by: .seconds(1)) }
            #expect(server.clock.now.offset >= .seconds(10))
            #expect(try await after.line == "[]")
        }
    }

    @Test("ends a session when a check of an instance that it depends on becomes critical")
    func checks() async throws {
        try await RunningServer.run { server in
            let web = Registration(service: "web", id: "a:1", host: "10.0.0.1", port: 80, lease: .permanent)
            try await server.registry.register(web)
            try await server.registry.update(
                web.key, incarnation: nil, .check(id: "db", status: .passing, output: ""))
            let checks = try await server.request("GET", "/v1/health/checks/web").json.arrayValue ?? []
            let check = checks.compactMap { $0["CheckID"]?.stringValue }.first { $0.hasSuffix("db") } ?? ""
            let id = try await create(server, #"{"NodeChecks":["serfHealth"],"ServiceChecks":[{"ID":"\#(check)"}]}"#)
            let before = try await server.request("GET", "/v1/session/info/\(id)")
            #expect(before.json.arrayValue?.count == 1)
            async let after = server.request("GET", "/v1/session/info/\(id)?index=\(index(before))&wait=60s")
            try await server.registry.update(
                web.key, incarnation: nil, .check(id: "db", status: .critical, output: ""))
            #expect(try await after.line == "[]")
            let refused = try await server.request("PUT", "/v1/session/create", #"{"NodeChecks":["\#(check)"]}"#)
            #expect(refused.status == 500 && refused.line == "Check '\(check)' is in critical state")
        }
    }

    @Test("remembers events, and waits for the next one")
    func events() async throws {
        try await RunningServer.run { server in
            let none = try await server.request("GET", "/v1/event/list")
            #expect(none.line == "[]" && index(none) == "1")
            async let woken = server.request("GET", "/v1/event/list?index=1&wait=60s&name=deploy")
            let fired = try await server.request("PUT", "/v1/event/fire/deploy?service=web&tag=t", "payload")
            #expect(fired.json["Payload"] == .string("cGF5bG9hZA==") && fired.json["LTime"] == .integer(0))
            #expect(fired.json["ServiceFilter"] == .string("web") && fired.json["Version"] == .integer(1))
            let first = try await woken
            #expect(first.json[0]?["ID"] == fired.json["ID"] && index(first) != "1")
            for number in 0..<300 { _ = try await server.request("PUT", "/v1/event/fire/e\(number)") }
            let all = try await server.request("GET", "/v1/event/list")
            #expect(all.json.arrayValue?.count == 256 && all.json[255]?["Name"] == .string("e299"))
            #expect(all.json[0]?["Payload"] == .null)
        }
    }

    @Test("keeps prepared queries, and finds the instances that they ask for")
    func queries() async throws {
        try await RunningServer.run { server in
            for (id, tags) in [("a", ["blue"]), ("b", ["blue", "old"]), ("c", ["green"])] {
                try await server.registry.register(
                    Registration(
                        service: "web", id: InstanceID(id), host: "10.0.0.1", port: 80, tags: tags, lease: .permanent))
            }
            try await server.registry.update(
                InstanceKey("web", "c"), incarnation: nil, .check(id: "x", status: .warning, output: ""))
            let definition = #"{"Name":"q","Service":{"Service":"web","Tags":["blue","!old"]},"DNS":{"TTL":"10s"}}"#
            let id = try await server.request("POST", "/v1/query", definition).json["ID"]?.stringValue ?? ""
            let listed = try await server.request("GET", "/v1/query")
            #expect(listed.json[0]?["ID"] == .string(id))
            #expect(listed.headers["x-consul-effective-consistency"] == "leader")
            #expect(listed.json[0]?["Service"]?["NodeMeta"] == .null)
            let again = try await server.request("POST", "/v1/query", definition)
            #expect(again.status == 500 && again.line == "name 'q' aliases an existing query name")

            func found(_ query: String) async throws -> [String] {
                let reply = try await server.request("GET", "/v1/query/\(query)")
                let nodes = reply.json["Nodes"]?.arrayValue ?? []
                return nodes.compactMap { $0["Service"]?["ID"]?.stringValue }.sorted()
            }
            #expect(try await found("q/execute") == ["a"])
            #expect(try await found("\(id)/execute") == ["a"])
            let changed = try await server.request(
                "PUT", "/v1/query/\(id)", #"{"Name":"q","Service":{"Service":"web","OnlyPassing":true}}"#)
            #expect(changed.status == 200 && changed.body.isEmpty)
            #expect(try await found("q/execute") == ["a", "b"])
            #expect(try await found("q/execute?limit=1").count == 1)

            let template =
                #"{"Name":"pre-","Template":{"Type":"name_prefix_match"},"Service":{"Service":"${name.suffix}"}}"#
            _ = try await server.request("POST", "/v1/query", template)
            #expect(try await found("pre-web/execute") == ["a", "b", "c"])
            let explained = try await server.request("GET", "/v1/query/pre-web/explain")
            #expect(explained.json["Query"]?["Service"]?["Service"] == .string("web"))
            #expect(try await server.request("DELETE", "/v1/query/\(id)").body.isEmpty)
            #expect(try await server.request("GET", "/v1/query/\(id)").status == 404)
        }
    }

    @Test("ends a prepared query with its session")
    func queryOfASession() async throws {
        try await RunningServer.run { server in
            let session = try await create(server, "")
            let definition = #"{"Session":"\#(session)","Service":{"Service":"web"}}"#
            let made = try await server.request("POST", "/v1/query", definition)
            let id = made.json["ID"]?.stringValue ?? ""
            #expect(try await server.request("GET", "/v1/query/\(id)").status == 200)
            _ = try await server.request("PUT", "/v1/session/destroy/\(session)")
            #expect(try await server.request("GET", "/v1/query/\(id)").status == 404)
            let refused = try await server.request("POST", "/v1/query", definition)
            #expect(refused.status == 500 && refused.line == #"invalid session "\#(session)""#)
        }
    }
}
