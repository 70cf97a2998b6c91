// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import NIOCore
import Rollcall
import RollcallConsul
import Testing

@testable import RollcallServer

@Suite("What Consul's clients read", .timeLimit(.minutes(2)))
struct ConsulReadTests {
    private static func registration(_ id: InstanceID, _ service: ServiceName = "web") -> Registration {
        Registration(
            service: service, id: id, host: "10.0.0.1", port: 8080, tags: ["v1"], metadata: ["team": "a"],
            lease: .permanent)
    }

    private func index(_ reply: RunningServer.Reply) throws -> UInt64 {
        try #require(reply.headers["x-consul-index"].flatMap { UInt64($0) })
    }

    @Test("is every instance, however it was registered", arguments: ["", "?stale", "?near=_agent", "?passing"])
    func health(query: String) async throws {
        try await RunningServer.run { server in
            let registry = server.registry
            try await registry.register(Self.registration("web-1"))
            let reply = try await server.request("GET", "/v1/health/service/web\(query)")
            let entry = try #require(reply.json[0])
            #expect(entry["Service"]?["ID"]?.stringValue == "web-1")
            #expect(entry["Service"]?["Port"]?.intValue == 8080)
            #expect(entry["Node"]?["Node"]?.stringValue == "rollcall")
            #expect(try index(reply) == registry.catalog.snapshot(of: "web").revision.value)
        }
    }

    @Test("leaves out what does not pass, with the same index")
    func passing() async throws {
        try await RunningServer.run { server in
            let registry = server.registry
            try await registry.register(Self.registration("web-1"))
            try await registry.register(Self.registration("web-2"))
            try await registry.update(
                InstanceKey("web", "web-2"), incarnation: nil, .check(id: "x", status: .warning, output: "slow"))
            let all = try await server.request("GET", "/v1/health/service/web")
            let passing = try await server.request("GET", "/v1/health/service/web?passing")
            #expect(all.json.arrayValue?.count == 2)
            #expect(passing.json.arrayValue?.count == 1)
            #expect(try index(all) == index(passing))
        }
    }

    @Test("waits until the service changes, and not for another one", arguments: ["", "&near=_agent"])
    func blocking(parameter: String) async throws {
        try await RunningServer.run { server in
            let registry = server.registry
            try await registry.register(Self.registration("web-1"))
            let seen = try index(try await server.request("GET", "/v1/health/service/web"))
            let query = "/v1/health/service/web?index=\(seen)\(parameter)&wait="
            // With time enough for the other service's change to come first.
            async let woken = server.request("GET", query + "60s")
            async let unchanged = server.request("GET", query + "500ms")
            try await registry.register(Self.registration("other-1", "other"))
            let same = try await unchanged
            #expect(try index(same) == seen)
            #expect(same.json.arrayValue?.count == 1)
            try await registry.register(Self.registration("web-2"))
            let changed = try await woken
            #expect(try index(changed) > seen)
            #expect(changed.json.arrayValue?.count == 2)
            try await registry.deregister(InstanceKey("web", "web-1"))
            try await registry.deregister(InstanceKey("web", "web-2"))
            let gone = try await server.request("GET", "/v1/health/service/web?index=\(try index(changed))&wait=60s")
            #expect(gone.json.arrayValue?.isEmpty == true)
            #expect(try index(gone) > index(changed))
        }
    }

    @Test("waits for a service that does not exist yet")
    func missing() async throws {
        try await RunningServer.run { server in
            let registry = server.registry
            let empty = try await server.request("GET", "/v1/health/service/web")
            #expect(empty.json.arrayValue?.isEmpty == true)
            let seen = try index(empty)
            async let woken = server.request("GET", "/v1/health/service/web?index=\(seen)&wait=60s")
            try await registry.register(Self.registration("other-1", "other"))
            try await registry.register(Self.registration("web-1"))
            let reply = try await woken
            #expect(reply.json.arrayValue?.count == 1)
        }
    }

    @Test("is answered at once when the server stops")
    func stopping() async throws {
        try await RunningServer.run { server in
            let registry = server.registry
            try await registry.register(Self.registration("web-1"))
            let seen = try index(try await server.request("GET", "/v1/health/service/web"))
            async let held = server.request("GET", "/v1/health/service/web?index=\(seen)&wait=60s")
            // The request has to have come before the end.
            while registry.catalog.observerCount < 2 { await Task.yield() }
            await server.stop()
            let reply = try await held
            #expect(reply.status == 200)
        }
    }

    @Test("changes with its node, also where the answer was kept")
    func nodes() async throws {
        let registry = LocalRegistry()
        try await registry.register(Self.registration("web-1"))
        let budget = DerivedBudget(catalog: registry.catalog, bytesMax: 1 << 20)
        let api = ConsulAPI(
            ground: ConsulGround(registry: registry, configuration: ConsulConfiguration()), checks: nil,
            nodeChecks: nil, page: MetricsPage(factory: PrometheusFactory(help: [:]), answers: budget), time: .system,
            logger: .init(label: "test"))
        let lookup = try #require(HealthLookup("web?passing"[...].utf8, datacenter: "dc1"))
        let before = api.prepared(lookup, within: budget).bytes
        let index = api.index(of: "web")
        try await api.nodes.change("rollcall") { record in
            record?.node.checks.append(ConsulCheck(node: "rollcall", id: "disk", name: "disk", status: .critical))
        }
        let after = api.prepared(lookup, within: budget).bytes
        #expect(String(buffer: before).contains("web-1"))
        #expect(!String(buffer: after).contains("web-1"))
        #expect(api.index(of: "web") > index)
    }

    @Test("lists services with their tags, and wakes only when one comes or goes")
    func services() async throws {
        try await RunningServer.run { server in
            let registry = server.registry
            try await registry.register(Self.registration("web-1"))
            let first = try await server.request("GET", "/v1/catalog/services")
            #expect(first.json["web"]?.arrayValue?.compactMap(\.stringValue) == ["v1"])
            #expect(first.json["consul"]?.arrayValue?.isEmpty == true)
            let seen = try index(first)
            try await registry.register(Self.registration("web-2"))
            let again = try await server.request("GET", "/v1/catalog/services")
            #expect(try index(again) == seen)
            async let woken = server.request("GET", "/v1/catalog/services?index=\(seen)&wait=60s")
            try await registry.register(Self.registration("api-1", "api"))
            let reply = try await woken
            #expect(reply.json["api"] != nil)
        }
    }

    @Test("is filtered", arguments: [
        (#"/v1/health/service/web?filter=Service.Meta.team%20==%20a"#, 1),
        (#"/v1/health/service/web?filter=Service.Meta.team%20==%20b"#, 0),
        (#"/v1/health/service/web?filter=%22v1%22%20in%20Service.Tags"#, 1),
        (#"/v1/catalog/service/web?filter=ServicePort%20==%208080"#, 1),
        (#"/v1/catalog/service/web?filter=ServiceTags%20is%20empty"#, 0),
        (#"/v1/catalog/nodes?filter=Node%20==%20rollcall"#, 1),
        (#"/v1/health/state/any?filter=CheckID%20==%20serfHealth"#, 1),
        (#"/v1/health/service/web?tag=V1"#, 1), (#"/v1/health/service/web?tag=v1&tag=v2"#, 0),
        (#"/v1/health/service/web?node-meta=a:b"#, 0),
    ])
    func filters(target: String, count: Int) async throws {
        try await RunningServer.run { server in
            let registry = server.registry
            try await registry.register(Self.registration("web-1"))
            let reply = try await server.request("GET", target)
            #expect(reply.json.arrayValue?.count == count, "\(reply.body)")
        }
    }

    @Test("is refused in Consul's words", arguments: [
        ("GET", "/v1/catalog/service/", 400, "Missing service name"),
        ("GET", "/v1/health/state/", 400, "Missing check state"),
        ("GET", "/v1/health/service/web?index=abc", 400, "Invalid index"),
        ("GET", "/v1/health/service/web?index=-1", 400, "Invalid index"),
        ("GET", "/v1/health/service/web?wait=soon", 400, "Invalid wait time"),
        ("GET", "/v1/health/service/web?passing=bogus", 400, "Invalid value for ?passing"),
        ("GET", "/v1/health/service/web?dc=nowhere", 500, "No path to datacenter"),
        ("PUT", "/v1/catalog/services", 405, "method PUT not allowed"),
        ("GET", "/v1/nope", 404, ""),
    ])
    func refusals(method: String, target: String, status: Int, text: String) async throws {
        try await RunningServer.run { server in
            let reply = try await server.request(method, target)
            #expect(reply.status == status)
            #expect(reply.body == text)
        }
    }
}
