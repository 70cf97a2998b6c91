// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension ConsulAPI {
    static let statusRoutes = [
        ConsulRoute("GET", path: "/v1/status/leader") { api, _ throws(ConsulError) in
            .json { $0.string(api.serverAddress) }
        },
        ConsulRoute("GET", path: "/v1/status/peers") { api, _ throws(ConsulError) in
            .json { $0.texts([api.serverAddress]) }
        },
        ConsulRoute("GET", path: "/v1/catalog/datacenters") { api, _ throws(ConsulError) in
            .json { $0.texts([api.configuration.datacenter]) }
        },
    ]

    /// Where a real Consul's server would be.
    var serverAddress: String { "\(configuration.nodeAddress):\(configuration.serverPort)" }
}
