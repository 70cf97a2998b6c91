// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallServer
import RollcallTesting
import Testing

@Suite("What was registered through Consul's API is what is read", .timeLimit(.minutes(2)))
struct ServiceLawTests {
    private static func expect(
        _ found: JSONValue?, _ expected: [String: JSONValue?], _ comment: String
    ) {
        for (key, value) in expected {
            #expect(found?[key]?.sorted == value?.sorted, "\(comment): \(key)")
        }
    }

    private static func check(_ service: RandomService, _ server: RunningServer, _ comment: String) async throws {
        let id = service.id.replacing(" ", with: "%20")
        let agent = try await server.request("GET", "/v1/agent/service/\(id)").json
        expect(agent, service.shown(prefix: "", isAgent: true), "\(comment), agent")
        let health = try await server.request("GET", "/v1/health/service/\(service.name)").json
        let entry = health.arrayValue?.first { $0["Service"]?["ID"]?.stringValue == service.id }
        expect(entry?["Service"], service.shown(prefix: "", isAgent: false), "\(comment), health")
        let catalog = try await server.request("GET", "/v1/catalog/service/\(service.name)").json
        let row = catalog.arrayValue?.first { $0["ServiceID"]?.stringValue == service.id }
        expect(row, service.shown(prefix: "Service", isAgent: false), "\(comment), catalog")
        let checks = (entry?["Checks"]?.arrayValue ?? []).filter { $0["ServiceID"]?.stringValue != "" }
        let shown = checks.map { check in
            ["CheckID", "Name", "Notes", "Status", "ServiceID", "ServiceName", "Type"].map { check[$0]?.stringValue ?? "-" }
        }
        #expect(Set(shown) == service.shownChecks, "\(comment), checks")
    }

    @Test("every definition comes back from the agent, from health and from the catalog", arguments: 0 ..< 4 as Range<UInt64>)
    func law(seed: UInt64) async throws {
        try await RunningServer.run { server in
            var random = SeededGenerator(seed: seed)
            for step in 0 ..< 60 {
                let name = "svc-\(Int.random(in: 0 ..< 4, using: &random))"
                // Now and then an identifier is registered again, under another name or with other checks.
                let id = "id:\(Int.random(in: 0 ..< 12, using: &random))"
                let service = RandomService(id: id, name: name, random: &random)
                let body = service.body(random: &random)
                _ = try await server.request("PUT", "/v1/agent/service/deregister/\(id)")
                let reply = try await server.request("PUT", "/v1/agent/service/register", body)
                #expect(reply.status == 200, "seed \(seed), step \(step): \(reply.body) for \(body)")
                try await Self.check(service, server, "seed \(seed), step \(step), \(body)")
            }
        }
    }

    @Test("an identifier that is registered under another name is one service still, with the same results")
    func moved() async throws {
        try await RunningServer.run { server in
            let check = #""Check":{"TTL":"60s"}"#
            _ = try await server.request("PUT", "/v1/agent/service/register", #"{"ID":"x","Name":"old",\#(check)}"#)
            _ = try await server.request("PUT", "/v1/agent/check/pass/service:x?note=fine")
            let reply = try await server.request(
                "PUT", "/v1/agent/service/register", #"{"ID":"x","Name":"new",\#(check)}"#)
            #expect(reply.status == 200)
            let services = try await server.request("GET", "/v1/agent/services").json
            #expect(services.objectValue?.map(\.key) == ["x"])
            #expect(services["x"]?["Service"]?.stringValue == "new")
            #expect(try await server.request("GET", "/v1/catalog/service/old").json == .array([]))
            let found = try await server.request("GET", "/v1/agent/checks").json["service:x"]
            #expect(found?["Status"]?.stringValue == "passing")
            #expect(found?["Output"]?.stringValue == "fine")
            #expect(found?["ServiceName"]?.stringValue == "new")
        }
    }

    @Test("a check that asks something else keeps its result, as its identifier is the same")
    func changedQuestion() async throws {
        try await RunningServer.run { server in
            for ttl in ["60s", "90s"] {
                _ = try await server.request(
                    "PUT", "/v1/agent/service/register", #"{"Name":"web","Check":{"TTL":"\#(ttl)"}}"#)
                if ttl == "60s" { _ = try await server.request("PUT", "/v1/agent/check/warn/service:web?note=so%20so") }
            }
            let check = try await server.request("GET", "/v1/agent/checks").json["service:web"]
            #expect(check?["Status"]?.stringValue == "warning")
            #expect(check?["Output"]?.stringValue == "so so")
        }
    }

    @Test("a service is seen by its own registry, with what the model has of it")
    func native() async throws {
        try await RunningServer.run { server in
            let body = #"""
                {"ID":"web-1","Name":"web","Port":8080,"Address":"10.0.0.7","Tags":["v1","v1",""],"Meta":{"a":"b"},
                 "Weights":{"Passing":5},"Check":{"HTTP":"http://10.0.0.7:8080/health","Interval":"10s","Timeout":"2s",
                 "DeregisterCriticalServiceAfter":"10s"}}
                """#
            #expect(try await server.request("PUT", "/v1/agent/service/register", body).status == 200)
            let found = try await server.request("GET", "/api/v1/services/web/instances/web-1").json
            #expect(found["endpoint"]?.stringValue == "http://10.0.0.7:8080")
            #expect(found["tags"] == .array([.string("v1")]))
            #expect(found["weight"]?.intValue == 5)
            #expect(found["node"]?.stringValue == "rollcall")
            #expect(found["lease"]?["kind"]?.stringValue == "none")
            let check = found["checks"]?[0]
            #expect(check?["id"]?.stringValue == "service:web-1")
            #expect(check?["intervalSeconds"]?.intValue == 10)
            #expect(check?["timeoutSeconds"]?.intValue == 2)
            // Consul takes no less than a minute.
            #expect(check?["deregisterAfterSeconds"]?.intValue == 60)
        }
    }
}
