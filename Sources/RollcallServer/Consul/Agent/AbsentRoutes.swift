// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What Rollcall does not do, said so that a client's log tells what is missing.
extension ConsulAPI {
    static let absentRoutes = coordinateRoutes + [accessControl("/v1/acl/")] + absent.map(route)

    /// By the beginnings of their paths.
    private static let absent: [(path: String, what: String)] = [
        ("/v1/agent/connect/", "the service mesh"), ("/v1/connect/", "the service mesh"),
        ("/v1/catalog/connect/", "the service mesh"), ("/v1/health/connect/", "the service mesh"),
        ("/v1/health/ingress/", "gateways of the service mesh"),
        ("/v1/catalog/gateway-services/", "gateways of the service mesh"),
        ("/v1/discovery-chain/", "the service mesh"), ("/v1/exported-services", "partitions and peering"),
        ("/v1/config", "configuration entries of the service mesh"),
        ("/v1/config/", "configuration entries of the service mesh"),
        ("/v1/peering", "peering of clusters"), ("/v1/peering/", "peering of clusters"),
        ("/v1/peerings", "peering of clusters"), ("/v1/operator/", "the operation of Raft and of keyrings"),
        ("/v1/snapshot", "Consul's snapshots: the registry is one file, see the documentation of its storage"),
        ("/v1/agent/join/", "gossip between agents"), ("/v1/agent/leave", "gossip between agents"),
        ("/v1/agent/force-leave/", "gossip between agents"),
        ("/v1/agent/reload", "reloading the configuration: restart the server"),
        ("/v1/agent/host", "a description of the machine"), ("/v1/agent/monitor", "streaming its log"),
        ("/v1/agent/metrics/stream", "streaming its metrics: ask /v1/agent/metrics"),
        ("/v1/agent/token/", "changing tokens while it runs"), ("/v1/coordinate/", "network coordinates"),
    ]

    private static func route(_ absent: (path: String, what: String)) -> ConsulRoute {
        ConsulRoute("GET", "PUT", "POST", "DELETE", path: absent.path, bodyBytesMax: 1024 * 1024) {
            _, _ throws(ConsulError) in
            throw ConsulError(501, "Rollcall does not have this part of Consul: \(absent.what)")
        }
    }

    private static func accessControl(_ path: String) -> ConsulRoute {
        ConsulRoute("GET", "PUT", "POST", "DELETE", path: path) { _, _ throws(ConsulError) in
            throw ConsulError(401, "ACL support disabled")
        }
    }

    /// A client that sorts by distance finds that nothing is known of any.
    private static let coordinateRoutes = ["nodes", "datacenters"].map { what in
        ConsulRoute("GET", path: "/v1/coordinate/\(what)") { api, _ throws(ConsulError) in
            ConsulAnswer.json(Array("[]".utf8)).adding(
                what == "nodes" ? ConsulQueryOptions.indexHeaders(api.tableIndex) : [])
        }
    }
}
