// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension ConsulAPI {
    static let agentSelfRoutes = [
        ConsulRoute("GET", path: "/v1/agent/self") { api, _ throws(ConsulError) in
            .json(capacity: 2048, api.writeSelf)
        },
        ConsulRoute("GET", path: "/v1/agent/members") { api, request throws(ConsulError) in
            // The other networks that a real Consul has have no members here but this server.
            .json(capacity: 1024) { writer in writer.array([()]) { api.writeMember(to: &$1) } }
        },
        ConsulRoute("GET", path: "/v1/agent/metrics") { api, request throws(ConsulError) in api.metrics(request) },
        ConsulRoute("GET", path: "/v1/agent/version") { api, _ throws(ConsulError) in
            .json { writer in
                writer.beginObject()
                writer.field("HumanVersion", api.configuration.version)
                writer.endObject()
            }
        },
    ]

    /// Every value on the top level is an object: clients read it as a map of maps.
    private func writeSelf(to writer: inout JSONWriter) {
        let node = nodes[agentNode]
        writer.beginObject()
        writer.key("Config")
        writer.beginObject()
        writer.field("Datacenter", configuration.datacenter)
        writer.field("PrimaryDatacenter", configuration.datacenter)
        writer.field("NodeName", agentNode)
        writer.field("NodeID", node?.id ?? "")
        writer.field("Revision", "rollcall")
        writer.field("Server", true)
        writer.field("Version", configuration.version)
        writer.field("BuildDate", "1970-01-01T00:00:00Z")
        writer.endObject()
        writer.key("DebugConfig")
        writer.beginObject()
        writer.field("Datacenter", configuration.datacenter)
        writer.field("NodeName", agentNode)
        writer.field("AdvertiseAddrLAN", configuration.nodeAddress)
        writer.field("ServerPort", configuration.serverPort)
        writer.field("ServerMode", true)
        writer.field("Version", configuration.version)
        writer.endObject()
        writer.key("Coord")
        writer.raw(Array(#"{"Vec":[0,0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.00001}"#.utf8))
        writer.key("Member")
        writeMember(to: &writer)
        writer.key("Stats")
        writeStats(to: &writer)
        writer.key("Meta")
        writer.texts(node?.meta ?? [:])
        writer.endObject()
    }

    private func writeStats(to writer: inout JSONWriter) {
        let services = view.instances(on: agentNode).count
        writer.beginObject()
        writer.key("agent")
        writer.texts(["services": String(services)])
        writer.key("consul")
        writer.texts(["server": "true", "leader": "true", "leader_addr": serverAddress, "known_datacenters": "1"])
        writer.endObject()
    }

    private func writeMember(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("Name", agentNode)
        writer.field("Addr", configuration.nodeAddress)
        writer.field("Port", Int(configuration.serverPort) + 1)
        writer.key("Tags")
        writer.texts([
            "acls": "0", "build": "\(configuration.version):rollcall", "dc": configuration.datacenter, "ft_fs": "1",
            "ft_si": "1", "id": nodes[agentNode]?.id ?? "", "port": String(configuration.serverPort), "raft_vsn": "3",
            "role": "consul", "segment": "", "vsn": "2", "vsn_max": "3", "vsn_min": "2",
            "wan_join_port": String(Int(configuration.serverPort) + 2),
        ])
        // Alive, and the versions of a protocol that this server does not speak but clients read.
        for (name, value) in Self.memberNumbers {
            writer.key(name)
            writer.integer(value)
        }
        writer.endObject()
    }

    private static let memberNumbers = [
        ("Status", 1), ("ProtocolMin", 1), ("ProtocolMax", 5), ("ProtocolCur", 2), ("DelegateMin", 2),
        ("DelegateMax", 5), ("DelegateCur", 4),
    ]

    private func metrics(_ request: ConsulRequest) -> ConsulAnswer {
        let isText =
            request.query.first("format") == "prometheus" || request.accept.contains("application/openmetrics-text")
            || request.accept.contains("version=0.4.0")
        guard !isText else {
            let text = page.text(registry.statistics, registry.catalog)
            return .text(text, type: "text/plain; version=0.0.4; charset=utf-8")
        }
        let counts = registry.catalog.counts
        return .json(capacity: 512) { writer in
            writer.beginObject()
            writer.field("Timestamp", time.wallTime().consulText)
            writer.key("Gauges")
            let gauges = [
                ("rollcall.instances", counts.instances), ("rollcall.services", counts.services),
                ("rollcall.waiting_writes", registry.statistics.waitingWrites),
            ]
            writer.array(gauges) { gauge, writer in
                writer.beginObject()
                writer.field("Name", gauge.0)
                writer.field("Value", gauge.1)
                writer.key("Labels")
                writer.texts([String: String]())
                writer.endObject()
            }
            for name in ["Points", "Counters", "Samples"] {
                writer.key(name)
                writer.beginArray()
                writer.endArray()
            }
            writer.endObject()
        }
    }
}

extension WallTime {
    /// As Consul's metrics are dated: `2026-01-31 09:30:00 +0000 UTC`.
    fileprivate var consulText: String {
        let text = description
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8)) +0000 UTC"
    }
}
