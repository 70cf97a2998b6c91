// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import CoreMetrics

/// The measurements of the HTTP server. Handles are made once, at start.
struct ServerMetrics: Sendable {
    private let factory: any MetricsFactory
    private let connectionsAccepted: Counter
    private let connectionsOpen: Meter
    private let heldRequests: Meter
    private let fastAnswers: Counter
    private let stalledReaders: Counter
    private let rejections: [Rejection: Counter]

    init(factory: any MetricsFactory) {
        self.factory = factory
        connectionsAccepted = Counter(label: "rollcall_http_connections_accepted", factory: factory)
        connectionsOpen = Meter(label: "rollcall_http_connections_open", factory: factory)
        heldRequests = Meter(label: "rollcall_http_held_requests", factory: factory)
        fastAnswers = Counter(label: "rollcall_http_fast_answers", factory: factory)
        stalledReaders = Counter(label: "rollcall_http_stalled_readers", factory: factory)
        rejections = Dictionary(
            uniqueKeysWithValues: Rejection.allCases.map { reason in
                let reasons = [("reason", reason.rawValue)]
                return (reason, Counter(label: "rollcall_http_rejections", dimensions: reasons, factory: factory))
            })
    }

    /// Handles for one route. Make them at start, not per request.
    ///
    /// - Parameter name: A fixed name such as `GET /api/v1/services/{name}`: never a path as it was requested.
    func route(_ name: String) -> RouteMetrics { RouteMetrics(route: name, factory: factory) }

    func connectionOpened() {
        connectionsAccepted.increment()
        connectionsOpen.increment()
    }

    func connectionClosed() { connectionsOpen.decrement() }
    func heldRequestStarted() { heldRequests.increment() }
    func heldRequestEnded() { heldRequests.decrement() }
    func answeredFast() { fastAnswers.increment() }
    func stalledReader() { stalledReaders.increment() }
    func rejected(_ reason: Rejection) { rejections[reason]?.increment() }

    /// What the metrics say about themselves.
    static let help: [String: String] = [
        "rollcall_http_connections_accepted": "Connections accepted since start.",
        "rollcall_http_connections_open": "Connections open now.",
        "rollcall_http_held_requests": "Event streams and parked requests now.",
        "rollcall_http_fast_answers": "Requests answered on the event loop.",
        "rollcall_http_stalled_readers": "Connections cut off because the client took nothing for too long.",
        "rollcall_http_rejections": "Requests refused before any route saw them, by reason.",
        "rollcall_http_requests": "Requests answered, by route and class of status.",
        "rollcall_http_request_duration": "Time from a request's head to its answer, by route.",
    ]
}

/// The measurements of one route.
final class RouteMetrics: Sendable {
    private let byClass: [Counter]
    private let duration: CoreMetrics.Timer
    private static let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"]

    init(route: String, factory: any MetricsFactory) {
        byClass = Self.classes.map { code in
            let dimensions = [("route", route), ("code", code)]
            return Counter(label: "rollcall_http_requests", dimensions: dimensions, factory: factory)
        }
        duration = CoreMetrics.Timer(
            label: "rollcall_http_request_duration", dimensions: [("route", route)], factory: factory)
    }

    func record(status: Int, nanoseconds: Int64) {
        byClass[min(max(status / 100, 1), 5) - 1].increment()
        duration.recordNanoseconds(nanoseconds)
    }
}
