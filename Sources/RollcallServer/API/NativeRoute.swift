// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HTTPTypes

/// The routes of the native API: what the router, the fast path, the metrics and the OpenAPI document agree on.
enum NativeRoute: Int, CaseIterable, Sendable {
    case listServices, readService, resolve
    case readInstance, register, deregister
    case heartbeat, setState, setReadiness, reportCheck, removeCheck
    case heartbeats, watch
    case readBrake, releaseBrake
    case openAPI, live, ready, metrics

    var method: HTTPRequest.Method {
        switch self {
        case .listServices, .readService, .resolve, .readInstance, .watch, .readBrake, .openAPI, .live, .ready,
            .metrics:
            .get
        case .register, .heartbeat, .setState, .setReadiness, .reportCheck: .put
        case .deregister, .removeCheck: .delete
        case .heartbeats, .releaseBrake: .post
        }
    }

    /// With the parameters in braces.
    var path: String {
        switch self {
        case .listServices: "/api/v1/services"
        case .readService: "/api/v1/services/{service}"
        case .resolve: "/api/v1/services/{service}/resolve"
        case .readInstance, .register, .deregister: "/api/v1/services/{service}/instances/{id}"
        case .heartbeat: "/api/v1/services/{service}/instances/{id}/heartbeat"
        case .setState: "/api/v1/services/{service}/instances/{id}/state"
        case .setReadiness: "/api/v1/services/{service}/instances/{id}/readiness"
        case .reportCheck, .removeCheck: "/api/v1/services/{service}/instances/{id}/checks/{check}"
        case .heartbeats: "/api/v1/heartbeats"
        case .watch: "/api/v1/watch"
        case .readBrake: "/api/v1/brake"
        case .releaseBrake: "/api/v1/brake/release"
        case .openAPI: "/api/openapi.json"
        case .live: "/health/live"
        case .ready: "/health/ready"
        case .metrics: "/metrics"
        }
    }

    /// The query parameters that it takes; one that ends in a dot stands for all that begin so.
    var queryParameters: [String] {
        switch self {
        case .readService: InstanceFilter.parameters
        case .resolve: InstanceFilter.parameters + ["policy", "key"]
        case .register: ["incarnation", "life"]
        case .deregister, .heartbeat, .setState, .setReadiness, .reportCheck, .removeCheck: ["incarnation"]
        case .watch: ["service", "from"]
        case .releaseBrake: ["service"]
        case .listServices, .readInstance, .heartbeats, .readBrake, .openAPI, .live, .ready, .metrics: []
        }
    }

    /// The query parameters of ordinary routes that may be given more than once.
    static let repeatableParameters = ["tag"]

    /// As it is named in metrics.
    var name: String { "\(method.rawValue) \(path)" }
}
