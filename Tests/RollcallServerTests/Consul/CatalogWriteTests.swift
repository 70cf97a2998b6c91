// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import RollcallConsul
import RollcallEmbedded
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("Writes to Consul's catalog", .timeLimit(.minutes(2)))
struct CatalogWriteTests {
    private static let service = #"{"ID":"db-1","Service":"db","Port":5432,"Tags":["primary"]}"#

    @Test("a service on another node has the address of the node, also after that has changed")
    func address() async throws {
        try await RunningServer.run { server in
            for address in ["192.0.2.9", "192.0.2.8"] {
                try await server.put(
                    "catalog/register", #"{"Node":"ext","Address":"\#(address)","Service":\#(Self.service)}"#)
                let native = try await server.request("GET", "/api/v1/services/db/instances/db-1@ext").json
                #expect(native["host"]?.stringValue == address)
                #expect(native["node"]?.stringValue == "ext")
                let row = try await server.get("catalog/service/db")[0]
                #expect(row?["Address"]?.stringValue == address)
                #expect(row?["ServiceAddress"]?.stringValue == "")
                #expect(row?["ServiceID"]?.stringValue == "db-1")
            }
            #expect(try await server.get("agent/services") == .object([]))
        }
    }

    @Test("what is registered again as it is changes nothing")
    func unchanged() async throws {
        try await RunningServer.run { server in
            let check = #"{"Name":"health","Status":"passing","ServiceID":"db-1"}"#
            let node = #"{"Name":"power","Status":"passing"}"#
            let body = #"""
                {"node":"ext","address":"192.0.2.9","NodeMeta":{"a":"b"},"service":\#(Self.service),
                 "Checks":[\#(check),\#(node)]}
                """#
            try await server.put("catalog/register", body)
            let revision = server.registry.catalog.revision
            try await server.put("catalog/register", body)
            #expect(server.registry.catalog.revision == revision)
        }
    }

    @Test("a given check has its definition, is run by nobody, and is replaced by what is given next")
    func checks() async throws {
        try await RunningServer.run { server in
            func register(_ status: String) async throws {
                let definition = #"{"http":"http://192.0.2.9/","Interval":"10s","Timeout":5000000000,"TLSSkipVerify":true}"#
                try await server.put(
                    "catalog/register", #"""
                        {"Node":"ext","Address":"192.0.2.9","Service":\#(Self.service),
                         "Check":{"CheckID":"c","Name":"health","Notes":"n","Status":"\#(status)","Output":"o",
                         "ServiceID":"db-1","Definition":\#(definition)}}
                        """#)
            }
            try await register("passing")
            let check = try await server.get("health/checks/db")[0]
            #expect(check?["Definition"]?.sorted.text
                == #"{"HTTP":"http://192.0.2.9/","Interval":"10s","TLSSkipVerify":true,"Timeout":"5s"}"#)
            #expect(["Node", "Name", "Notes", "Output", "Type"].map { check?[$0]?.stringValue }
                == ["ext", "health", "n", "o", ""])
            try await register("critical")
            #expect(try await server.get("health/service/db?passing") == .array([]))
            server.clock.advance(by: .seconds(3600))
            #expect(try await server.get("health/checks/db")[0]?["Status"]?.stringValue == "critical")
            try await server.put("catalog/deregister", #"{"Node":"ext","CheckID":"c"}"#)
            #expect(try await server.get("health/checks/db") == .array([]))
        }
    }

    @Test("checks of a node, and a node that goes, concern its services")
    func nodes() async throws {
        try await RunningServer.run { server in
            try await server.put(
                "catalog/register", #"{"Node":"ext","Address":"192.0.2.9","Service":\#(Self.service)}"#)
            try await server.put(
                "catalog/register",
                #"{"Node":"ext","SkipNodeUpdate":true,"Check":{"Name":"power","Status":"critical"}}"#)
            #expect(try await server.get("health/service/db?passing") == .array([]))
            #expect(try await server.get("catalog/node/ext")["Node"]?["Address"]?.stringValue == "192.0.2.9")
            let missing = try await server.request(
                "PUT", "/v1/catalog/register",
                #"{"Node":"ext","SkipNodeUpdate":true,"Check":{"Name":"x","ServiceID":"ghost"}}"#)
            #expect(missing.status == 500)
            #expect(missing.body == "Missing service registration")
            try await server.put("catalog/deregister", #"{"Node":"ext"}"#)
            #expect(try await server.get("catalog/nodes").arrayValue?.count == 1)
            #expect(try await server.get("catalog/services") == .object([JSONMember(key: "consul", value: .array([]))]))
        }
    }

    @Test("the agent's own node is what its configuration says, and cannot be removed")
    func ownNode() async throws {
        try await RunningServer.run { server in
            try await server.put("agent/service/register", #"{"Name":"web"}"#)
            try await server.put("catalog/register", #"{"Node":"rollcall","Address":"192.0.2.1","NodeMeta":{"x":"y"}}"#)
            try await server.put("catalog/deregister", #"{"Node":"rollcall"}"#)
            let node = try await server.get("catalog/node/rollcall")
            #expect(node["Node"]?["Address"]?.stringValue == "127.0.0.1")
            #expect(node["Services"]?["web"] != nil)
            try await server.put("catalog/deregister", #"{"Node":"rollcall","ServiceID":"web"}"#)
            #expect(try await server.get("agent/services") == .object([]))
        }
    }

    @Test("nodes, results of their checks, and the identifier of the agent's own node outlive a restart")
    func restart() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "consul-nodes-\(UUID().uuidString)").path()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func ground(_ body: (ConsulGround) async throws -> Void) async throws {
            let registry = try await EmbeddedRegistry.open(path: folder)
            try await body(ConsulGround(registry: registry, configuration: ConsulConfiguration()))
            await registry.shutdown()
        }
        var before: [ConsulNode] = []
        try await ground { ground in
            try await ground.nodes.recordOwn()
            try await ground.nodes.change("ext") { record in
                var node = ConsulNode(name: "ext", address: "192.0.2.9", datacenter: "dc1", meta: ["a": "b"])
                node.checks = [ConsulCheck(node: "ext", id: "p", name: "power", status: .warning, output: "low")]
                record = NodeRecord(node: node)
            }
            let time = WallTime(millisecondsSinceEpoch: 0)
            try await ground.nodes.change(ground.agentNode) { record in
                var shadow = ConsulShadow.Check(notes: "n", type: "ttl")
                shadow.isStandalone = true
                record?.declare(CheckDefinition(id: "disk", name: "the disk", kind: .ttl(.seconds(9))), shadow, at: time)
                record?.report("disk", .passing, "free", at: time)
            }
            before = ground.nodes.all.sorted { $0.name < $1.name }
            #expect(before.map(\.checks.count) == [1, 2])
            #expect(ConsulUUID.isValid(before[1].id))
        }
        try await ground { ground in
            #expect(ground.nodes.all.sorted { $0.name < $1.name } == before)
            #expect(ground.nodes.record(ground.agentNode)?.agent?.registration.checks.map(\.id) == ["disk"])
            let revision = ground.nodes.revision
            try await ground.nodes.recordOwn()
            #expect(ground.nodes.revision == revision)
            try await ground.nodes.change("ext") { $0 = nil }
        }
        try await ground { ground in #expect(ground.nodes.all.map(\.name) == [ground.agentNode]) }
    }
}
