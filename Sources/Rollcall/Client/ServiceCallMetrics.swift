// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import CoreMetrics

/// What a client tells of its calls to one service, over swift-metrics. Labels: the service, and the outcome.
struct ServiceCallMetrics: Sendable {
    private let succeeded: Counter
    private let failed: Counter
    private let refused: Counter
    private let tries: Counter
    private let duration: CoreMetrics.Timer
    private let instances: Gauge
    private let ejections: Gauge

    init(_ service: ServiceName) {
        let label = [("service", service.value)]
        succeeded = Counter(label: "rollcall_client_calls_total", dimensions: label + [("outcome", "success")])
        failed = Counter(label: "rollcall_client_calls_total", dimensions: label + [("outcome", "failure")])
        refused = Counter(label: "rollcall_client_calls_total", dimensions: label + [("outcome", "refused")])
        tries = Counter(label: "rollcall_client_tries_total", dimensions: label)
        duration = Timer(label: "rollcall_client_call_duration_seconds", dimensions: label)
        instances = Gauge(label: "rollcall_client_instances", dimensions: label)
        ejections = Gauge(label: "rollcall_client_ejected_instances", dimensions: label)
    }

    func listed(_ count: Int) { instances.record(count) }
    func ejected(_ count: Int) { ejections.record(count) }

    /// Nothing is known of the service any more.
    func forgotten() {
        instances.record(0)
        ejections.record(0)
    }

    func tried() { tries.increment() }
    func wasRefused() { refused.increment() }

    func ended(successfully isSuccess: Bool, after time: Duration) {
        (isSuccess ? succeeded : failed).increment()
        duration.recordNanoseconds(time.wholeNanoseconds)
    }
}
