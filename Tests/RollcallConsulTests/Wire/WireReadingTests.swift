// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallConsul

@Suite("Consul's objects as they are read")
struct WireReadingTests {
    /// As a Consul 1.10 answered for an instance in maintenance.
    static let maintained = """
        [{"Node":{"ID":"2949e08c-a1d6-7d9b-f49f-d941af865e23","Node":"golden-node","Address":"127.0.0.1",\
        "Datacenter":"dc1","TaggedAddresses":{"lan":"127.0.0.1","wan":"127.0.0.1"},\
        "Meta":{"consul-network-segment":""},"CreateIndex":11,"ModifyIndex":12},"Service":{"ID":"web-1",\
        "Service":"web","Tags":[],"Address":"10.1.2.3","TaggedAddresses":{"lan_ipv4":{"Address":"10.1.2.3",\
        "Port":8080}},"Meta":null,"Port":8080,"Weights":{"Passing":10,"Warning":1},"EnableTagOverride":false,\
        "Proxy":{"Mode":"","MeshGateway":{},"Expose":{}},"Connect":{},"CreateIndex":15,"ModifyIndex":34},\
        "Checks":[{"Node":"golden-node","CheckID":"serfHealth","Name":"Serf Health Status","Status":"passing",\
        "Notes":"","Output":"Agent alive and reachable","ServiceID":"","ServiceName":"","ServiceTags":[],"Type":"",\
        "Interval":"","Timeout":"","ExposedPort":0,"Definition":{},"CreateIndex":11,"ModifyIndex":11},\
        {"Node":"golden-node","CheckID":"_service_maintenance:web-1","Name":"Service Maintenance Mode",\
        "Status":"critical","Notes":"upgrade","Output":"","ServiceID":"web-1","ServiceName":"web","ServiceTags":[],\
        "Type":"maintenance","Interval":"","Timeout":"","ExposedPort":0,"Definition":{},"CreateIndex":41,\
        "ModifyIndex":41},{"Node":"golden-node","CheckID":"service:web-1","Name":"Service 'web' check",\
        "Status":"passing","Notes":"","Output":"from update","ServiceID":"web-1","ServiceName":"web",\
        "ServiceTags":[],"Type":"ttl","Interval":"","Timeout":"","ExposedPort":0,"Definition":{},"CreateIndex":15,\
        "ModifyIndex":34}]}]
        """

    private func entries(_ json: String) throws -> [ConsulHealthEntry] {
        try JSONReader.read(Array(json.utf8)) { reader throws(JSONError) in
            try ConsulHealthEntry.readAll(from: &reader)
        }
    }

    @Test("an entry of another client is read with its node, its weights and all of its checks")
    func entry() throws {
        let entry = try #require(try entries(Self.maintained).first)
        #expect(entry.node.name == "golden-node")
        #expect(entry.node.meta == ["consul-network-segment": ""])
        #expect(entry.service.passingWeight == 10)
        #expect(entry.service.taggedAddresses["lan_ipv4"] == ConsulAddress(address: "10.1.2.3", port: 8080))
        #expect(entry.service.meta.isEmpty)
        #expect(entry.checks.map(\.status) == [.passing, .critical, .passing])
        #expect(entry.checks.map(\.type) == ["", "maintenance", "ttl"])

        let instance = ServiceInstance(entry)
        #expect(instance.key == InstanceKey("web", "web-1@golden-node"))
        #expect(instance.host == "10.1.2.3")
        #expect(instance.port == 8080)
        #expect(instance.weight == 10)
        #expect(instance.registration.node == "golden-node")
        #expect(instance.lease == .permanent)
        #expect(instance.status == .outOfService)
        #expect(instance.desired == .maintenance(reason: "upgrade"))
        #expect(instance.checks.map(\.id) == ["service:web-1"])
        #expect(instance.incarnation == Incarnation(15))
        #expect(instance.revision == Revision(41))
    }

    @Test("what is left out, null or unknown is as if it were empty")
    func tolerance() throws {
        let json = """
            [{"Node":{"Node":"ext","Address":"192.0.2.9","TaggedAddresses":null,"Meta":null,"Locality":{"Zone":"a"}},
              "Service":{"ID":"db","Service":"DB","Tags":null,"Meta":{"a":null},"TaggedAddresses":null,"Port":null,
                "Weights":null,"Ports":[{"Name":"x","Port":1}]},
              "Checks":null,"New":[1,2]},
             {"Service":{"ID":"d2","Service":"DB","Port":-1,"Weights":{"Passing":100000}},
              "Node":{"Node":"n2","Address":"a"},
              "Checks":[{"CheckID":"c","Status":"strange","ServiceTags":null,"ServiceID":"d2"},
                {"CheckID":"_node_maintenance","Status":"critical","Notes":
                  "Maintenance mode is enabled for this node, but no reason was provided."}]}]
            """
        let instances = try entries(json).map { ServiceInstance($0) }
        #expect(instances.map(\.host) == ["192.0.2.9", "a"])
        #expect(instances.map(\.port) == [0, 0])
        #expect(instances.map(\.weight) == [1, 65_535])
        #expect(instances.map(\.status) == [.up, .outOfService])
        #expect(instances[1].desired == .maintenance(reason: ""))
        #expect(instances[1].checks.map(\.status) == [.critical])
    }

    @Test("a node that is unwell makes its instances unwell, one that is well says nothing")
    func node() throws {
        let unwell = #""Status":"critical","Notes":"","Output":"Agent"#
        let text = Self.maintained.replacing(unwell.replacing("critical", with: "passing"), with: unwell)
            .replacing("_service_maintenance:web-1", with: "other")
        let instance = try #require(try entries(text).first.map { ServiceInstance($0) })
        #expect(instance.checks.map(\.id) == ["other", "serfHealth", "service:web-1"])
        #expect(instance.status == .down)
    }

    @Test("an answer that is not Consul's is refused", arguments: [
        "", "null", "{}", "[1]", "[{}]", #"[{"Node":{"Node":"n"}}]"#,
        #"[{"Node":{},"Service":{"ID":"a","Service":"b"}}]"#,
        #"[{"Node":{"Node":"n"},"Service":{"ID":"a"}}]"#, #"[{"Node":{"Node":"n"},"Service":{"ID":1,"Service":"b"}}]"#,
    ])
    func nonsense(json: String) {
        #expect(throws: JSONError.self) { try entries(json) }
    }

    @Test("the list of services leaves out Consul itself")
    func services() throws {
        let services = try ConsulCatalog.services(Array(#"{"consul":[],"web":["a","b"],"db":null}"#.utf8))
        #expect(services == ["web": ["a", "b"], "db": []])
    }

    @Test("filters find the parts of an entry")
    func filters() throws {
        let entry = try #require(try entries(Self.maintained).first)
        for text in [
            "Service.ID == \"web-1\"", "Node.Node == `golden-node`", "Service.TaggedAddresses.lan_ipv4.Port == 8080",
            "Checks.Name contains Maintenance", "Service.Weights.Passing == 10", "Service.Proxy.Mode == \"\"",
            "Service.Proxy.Upstreams is empty", "Service.Connect.Native == false", "Service.Meta is empty",
            "Checks.Type == maintenance", "Checks.ExposedPort == 0", "Node.Meta contains `consul-network-segment`",
            "Service.Proxy.Expose.Paths is empty", "Service.Proxy.Expose.Checks == false", "Service.Kind is empty",
        ] {
            let isThere = try Filter.parse(text, schema: .serviceHealth).matches(entry)
            #expect(isThere, "\(text)")
        }
    }
}
