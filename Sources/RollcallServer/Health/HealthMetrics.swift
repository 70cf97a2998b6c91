// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import CoreMetrics
internal import Rollcall
internal import RollcallHealth

/// The measurements of active health checks.
struct HealthMetrics: CheckRunnerObserver {
    private let checks: Meter
    private let running: Meter
    private let queued: Meter
    private let rounds: [String: [HealthCheck.Status: Counter]]
    private let duration: CoreMetrics.Timer
    private let failedWrites: Counter

    private static let kinds = ["http", "tcp", "grpc", "command", "alias"]

    init(factory: any MetricsFactory) {
        checks = Meter(label: "rollcall_checks_declared", factory: factory)
        running = Meter(label: "rollcall_checks_running", factory: factory)
        queued = Meter(label: "rollcall_checks_queued", factory: factory)
        duration = CoreMetrics.Timer(label: "rollcall_check_duration", factory: factory)
        failedWrites = Counter(label: "rollcall_check_failed_writes", factory: factory)
        rounds = Dictionary(
            uniqueKeysWithValues: Self.kinds.map { kind in
                let counters = HealthCheck.Status.allCases.map { status in
                    let dimensions = [("kind", kind), ("result", status.rawValue)]
                    return (status, Counter(label: "rollcall_checks", dimensions: dimensions, factory: factory))
                }
                return (kind, Dictionary(uniqueKeysWithValues: counters))
            })
    }

    func roundEnded(_ check: CheckDefinition, _ status: HealthCheck.Status, after duration: Duration) {
        rounds[check.kind.name]?[status]?.increment()
        self.duration.recordNanoseconds(duration.wholeNanoseconds)
    }

    func levels(checks: Int, running: Int, queued: Int) {
        self.checks.set(Double(checks))
        self.running.set(Double(running))
        self.queued.set(Double(queued))
    }

    func writeFailed() { failedWrites.increment() }

    static let help: [String: String] = [
        "rollcall_checks_declared": "Checks that instances declare and this server looks after.",
        "rollcall_checks_running": "Rounds of checks that run now.",
        "rollcall_checks_queued": "Checks that are due and wait for a slot.",
        "rollcall_checks": "Rounds of checks, by kind and result.",
        "rollcall_check_duration": "Time that a round took.",
        "rollcall_check_failed_writes": "Results of checks that could not be written.",
    ]
}
