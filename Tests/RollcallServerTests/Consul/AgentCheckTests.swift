// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallServer
import RollcallTesting
import Testing

@Suite("Checks of Consul's agent", .timeLimit(.minutes(2)))
struct AgentCheckTests {
    private static let web = #"{"Name":"web","Port":80,"Check":{"TTL":"10s","DeregisterCriticalServiceAfter":"1s"}}"#

    @Test("a report that says what is known writes nothing; one with another note or status is written")
    func reports() async throws {
        try await RunningServer.run { server in
            func writes() -> UInt64 { server.registry.statistics.changes[.checkChanged] ?? 0 }
            try await server.put("agent/service/register", Self.web)
            try await server.put("agent/check/pass/service:web?note=fine")
            #expect(writes() == 1)
            let commits = server.registry.statistics.commits
            for _ in 0 ..< 5 { try await server.put("agent/check/pass/service:web?note=fine") }
            #expect(writes() == 1)
            #expect(server.registry.statistics.commits == commits)
            try await server.put("agent/check/pass/service:web?note=better")
            #expect(try await server.result("service:web") == ["passing", "better"])
            try await server.put("agent/check/warn/service:web")
            #expect(try await server.result("service:web") == ["warning", ""])
            try await server.put("agent/check/update/service:web", #"{"Status":"critical","Output":"broken"}"#)
            #expect(try await server.result("service:web") == ["critical", "broken"])
            #expect(writes() == 4)
        }
    }

    @Test("of a long note the beginning is kept, and how long it was")
    func longNote() async throws {
        try await RunningServer.run { server in
            let check = #"{"TTL":"10s","OutputMaxSize":10}"#
            try await server.put("agent/service/register", #"{"Name":"web","Check":\#(check)}"#)
            try await server.put("agent/check/pass/service:web?note=0123456789abcdef")
            #expect(try await server.result("service:web") == ["passing", "0123456789 ... (captured 10 of 16 bytes)"])
            try await server.put(
                "agent/check/update/service:web",
                #"{"Status":"passing","Output":"\#(String(repeating: "é", count: 4000))"}"#)
            let output = try await server.result("service:web")[1]
            #expect(output == "ééééé ... (captured 10 of 8000 bytes)")
        }
    }

    @Test("a report, and a registration, keep a ttl check from expiring; then its service goes, after a minute")
    func expiry() async throws {
        try await RunningServer.run { server in
            try await server.put("agent/service/register", Self.web)
            try await server.put("agent/check/pass/service:web?note=fine")
            server.clock.advance(by: .seconds(6))
            try await server.put("agent/check/pass/service:web?note=fine")
            server.clock.advance(by: .seconds(6))
            try await server.put("agent/service/register", Self.web)
            server.clock.advance(by: .seconds(6))
            try await server.put("agent/service/register", #"{"Name":"other","Check":{"TTL":"1s"}}"#)
            server.clock.advance(by: .seconds(3))
            // The clock of one check alone would say nothing of the other's.
            #expect(try await server.result("service:web") == ["passing", "fine"])
            server.clock.advance(by: .seconds(2))
            let expired = "TTL expired (last output before timeout follows): fine"
            try await server.eventually("expiry") { try await server.result("service:web") == ["critical", expired] }
            server.clock.advance(by: .seconds(55))
            #expect(try await server.agentCheck("service:web") != nil)
            server.clock.advance(by: .seconds(10))
            try await server.eventually("removal") { try await server.agentCheck("service:web") == nil }
            #expect(try await server.get("health/service/web") == .array([]))
        }
    }

    @Test("checks stay with a service that is registered again, unless they are to be replaced")
    func replacing() async throws {
        try await RunningServer.run { server in
            func checks() async throws -> [String] {
                try await server.get("agent/checks").objectValue?.map(\.key).sorted() ?? []
            }
            try await server.put("agent/service/register", Self.web)
            try await server.put("agent/check/register", #"{"Name":"by itself","ServiceID":"web","TTL":"10s"}"#)
            try await server.put("agent/service/register", #"{"Name":"web","Check":{"CheckID":"x","TTL":"10s"}}"#)
            #expect(try await checks() == ["by itself", "service:web", "x"])
            #expect(try await server.agentCheck("by itself")?["Interval"]?.stringValue == "0s")
            try await server.put("agent/check/pass/by%20itself")
            #expect(try await server.result("by itself")[0] == "passing")
            try await server.put("agent/check/deregister/by%20itself")
            #expect(try await checks() == ["service:web", "x"])
            try await server.put("agent/service/register?replace-existing-checks=true", #"{"Name":"web"}"#)
            #expect(try await checks() == [])
        }
    }

    @Test("a check of the node concerns every service on it, wakes who waits for one, and expires by itself")
    func nodeCheck() async throws {
        try await RunningServer.run { server in
            try await server.put("agent/service/register", #"{"Name":"web","Port":80}"#)
            let first = try await server.request("GET", "/v1/health/service/web?passing")
            let index = try #require(first.headers["x-consul-index"])
            #expect(first.json.arrayValue?.count == 1)
            let observers = server.registry.catalog.observerCount
            async let woken = server.request("GET", "/v1/health/service/web?passing&index=\(index)&wait=60s")
            try await server.eventually("waiting") { server.registry.catalog.observerCount > observers }
            try await server.put("agent/check/register", #"{"ID":"disk","Name":"the disk","Notes":"n","TTL":"10s"}"#)
            let reply = try await woken
            #expect(reply.json == .array([]))
            #expect(try UInt64(#require(reply.headers["x-consul-index"])) ?? 0 > UInt64(index) ?? 0)

            try await server.put("agent/check/pass/disk?note=free")
            #expect(try await server.get("health/service/web?passing").arrayValue?.count == 1)
            let health = try await server.request("GET", "/v1/agent/health/service/id/web")
            #expect(health.status == 200)
            #expect(health.json["Checks"]?[0]?["CheckID"]?.stringValue == "disk")
            server.clock.advance(by: .seconds(11))
            try await server.eventually("expiry") {
                try await server.result("disk") == ["critical", "TTL expired (last output before timeout follows): free"]
            }
            #expect(try await server.request("GET", "/v1/agent/health/service/name/web?format=text").body == "critical")
            try await server.put("agent/check/deregister/disk")
            #expect(try await server.get("health/service/web?passing").arrayValue?.count == 1)
            #expect(try await server.get("health/node/rollcall").arrayValue?.count == 1)
        }
    }

    @Test("an alias is as healthy as the service on its node, whatever the service's name, and says why")
    func alias() async throws {
        try await RunningServer.run { server in
            try await server.put("agent/service/register", #"{"Name":"front","Check":{"AliasService":"web-1"}}"#)
            func expect(_ status: String, _ output: String) async throws {
                server.clock.advance(by: .seconds(1.2))
                try await server.eventually("\(status), \(output)") {
                    try await server.result("service:front") == [status, output]
                }
            }
            try await expect("critical", "Service web-1 could not be found on node rollcall")
            try await server.put("agent/service/register", #"{"ID":"web-1","Name":"web"}"#)
            try await expect("passing", "No checks found.")
            try await server.put("agent/check/register", #"{"Name":"a","ServiceID":"web-1","TTL":"1h","Status":"passing"}"#)
            try await server.put("agent/check/warn/a?note=so%20so")
            try await expect("warning", #"Aliased check "a" failing: so so"#)
        }
    }

    @Test("to pass the check that stands for a lease is a heartbeat, and nothing else can be said of it")
    func lease() async throws {
        try await RunningServer.run { server in
            let lease = #""lease":{"ttlSeconds":10,"evictAfterSeconds":60}"#
            _ = try await server.request(
                "PUT", "/api/v1/services/web/instances/a", #"{"host":"h","port":1,\#(lease)}"#)
            #expect(try await server.agentCheck("service:a")?["Type"]?.stringValue == "ttl")
            server.clock.advance(by: .seconds(8))
            try await server.put("agent/check/pass/service:a")
            server.clock.advance(by: .seconds(8))
            #expect(try await server.result("service:a") == ["passing", ""])
            let refused = try await server.request("PUT", "/v1/agent/check/fail/service:a")
            #expect(refused.status == 500)
            #expect(refused.body == "CheckID \"service:a\" does not have associated TTL")
            server.clock.advance(by: .seconds(8))
            try await server.eventually("lapse") { try await server.result("service:a") == ["critical", "TTL expired"] }
            try await server.put("agent/check/pass/service:a")
            #expect(try await server.result("service:a") == ["passing", ""])
        }
    }

    @Test("maintenance is a check to Consul's clients and a state to all others")
    func maintenance() async throws {
        try await RunningServer.run { server in
            try await server.put("agent/service/register", #"{"Name":"web"}"#)
            try await server.put("agent/service/maintenance/web?enable=true")
            try await server.put("agent/service/maintenance/web?enable=true&reason=another")
            let check = try await server.agentCheck("_service_maintenance:web")
            let notes = "Maintenance mode is enabled for this service, but no reason was provided. This is a default message."
            #expect(check?["Notes"]?.stringValue == notes)
            #expect(check?["Type"]?.stringValue == "maintenance")
            let native = try await server.request("GET", "/api/v1/services/web/instances/web").json
            #expect(native["status"]?.stringValue == "outOfService")
            #expect(try await server.request("GET", "/v1/agent/health/service/id/web?format=text").body == "maintenance")
            try await server.put("agent/service/maintenance/web?enable=0")
            #expect(try await server.get("agent/checks") == .object([]))
            try await server.put("agent/maintenance?enable=true&reason=reboot")
            #expect(try await server.get("health/service/web?passing") == .array([]))
            #expect(try await server.agentCheck("_node_maintenance")?["Notes"]?.stringValue == "reboot")
            try await server.put("agent/maintenance?enable=false")
            #expect(try await server.get("health/service/web?passing").arrayValue?.count == 1)
        }
    }

    @Test("a service's hash stays while it does, and who waits by it is woken when it changes or goes")
    func hashes() async throws {
        try await RunningServer.run { server in
            try await server.put("agent/service/register", #"{"Name":"web"}"#)
            let first = try await server.request("GET", "/v1/agent/service/web")
            let hash = try #require(first.headers["x-consul-contenthash"])
            #expect(first.json["ContentHash"]?.stringValue == hash)
            let same = try await server.request("GET", "/v1/agent/service/web?hash=\(hash)&wait=50ms")
            #expect(same.body == first.body)
            async let changed = server.request("GET", "/v1/agent/service/web?hash=\(hash)&wait=60s")
            try await server.put("agent/service/register", #"{"Name":"web","Port":7}"#)
            let second = try await changed
            #expect(second.json["Port"]?.intValue == 7)
            let other = try #require(second.headers["x-consul-contenthash"])
            #expect(other != hash)
            async let gone = server.request("GET", "/v1/agent/service/web?hash=\(other)&wait=60s")
            try await server.put("agent/service/deregister/web")
            #expect(try await gone.status == 404)
        }
    }
}
