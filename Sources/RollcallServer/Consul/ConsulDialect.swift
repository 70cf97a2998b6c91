// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// Consul's API as the server uses it: what is answered on the event loop, and the routes for the rest.
struct ConsulDialect: Sendable {
    let fast: ConsulFastPath
    let router: ConsulRouter

    init(_ api: ConsulAPI, answers: DerivedBudget, metrics: ServerMetrics) {
        let routes = ConsulAPI.routes
        let measures = routes.all.map { metrics.route($0.label) }
        let health = zip(routes.all, measures).first { $0.0.path == "/v1/health/service/" }?.1
        fast = ConsulFastPath(
            api: api, routes: routes, answers: answers, healthRoute: health ?? metrics.route("/v1/health/service/"))
        router = ConsulRouter(api: api, routes: routes, metrics: measures)
    }
}

extension ConsulRoute {
    /// The name of the route in metrics, such as `GET|PUT|DELETE /v1/kv/`.
    var label: String { "\(methods.joined(separator: "|")) \(path)" }
}
