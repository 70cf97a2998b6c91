// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// The text that a Prometheus server reads: what the handles recorded, and what the registry counts itself.
struct MetricsPage: Sendable {
    let factory: PrometheusFactory
    let answers: DerivedBudget

    func text(_ statistics: RegistryStatistics, _ catalog: Catalog) -> String {
        let counts = catalog.counts
        var text = factory.exposition()
        func add(_ name: String, _ kind: String, _ help: String, _ samples: [(labels: String, value: UInt64)]) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
            for (labels, value) in samples {
                text += labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
            }
        }
        add(
            "rollcall_changes_total", "counter", "Changes of instances since start, by kind.",
            InstanceChange.Kind.allCases.map { ("kind=\"\($0.rawValue)\"", statistics.changes[$0] ?? 0) })
        add(
            "rollcall_registrations_total", "counter", "New lives that were registered since start.",
            [("", statistics.changes[.registered] ?? 0)])
        add(
            "rollcall_evictions_total", "counter", "Instances removed because their lease ran out long ago.",
            [("", statistics.changes[.evicted] ?? 0)])
        add(
            "rollcall_heartbeats_total", "counter", "Heartbeats since start, by outcome.",
            [("outcome=\"renewed\"", statistics.heartbeats), ("outcome=\"refused\"", statistics.refusedHeartbeats)])
        add(
            "rollcall_commits_total", "counter", "Batches of writes made durable since start.",
            [("", statistics.commits)])
        add(
            "rollcall_failed_writes_total", "counter", "Writes that could not be made durable since start.",
            [("", statistics.failedWrites)])
        add(
            "rollcall_waiting_writes", "gauge", "Writes that wait for their turn.",
            [("", UInt64(clamping: statistics.waitingWrites))])
        add("rollcall_services", "gauge", "Services that have instances.", [("", UInt64(clamping: counts.services))])
        add(
            "rollcall_instances", "gauge", "Instances, whatever their status.",
            [("", UInt64(clamping: counts.instances))])
        add(
            "rollcall_lapsed_leases", "gauge", "Leases that ran out and were neither renewed nor evicted yet.",
            [("", UInt64(clamping: statistics.lapsedLeases))])
        add(
            "rollcall_brake_engaged", "gauge",
            "Whether the brake holds evictions back, for the fleet or how many services.",
            [
                ("scope=\"fleet\"", statistics.isFleetBraked ? 1 : 0),
                ("scope=\"service\"", UInt64(clamping: statistics.brakedServices.count)),
            ])
        add(
            "rollcall_brake_suspects", "gauge", "Instances whose eviction is held back.",
            [("", UInt64(clamping: statistics.heldEvictions))])
        add(
            "rollcall_observers", "gauge", "Watches, listeners and event loops that follow the catalog.",
            [("", UInt64(clamping: catalog.observerCount))])
        add(
            "rollcall_kept_answer_bytes", "gauge", "Bytes of encoded answers that are kept.",
            [("", UInt64(clamping: answers.bytes))])
        add("rollcall_revision", "gauge", "The revision of the last change.", [("", catalog.revision.value)])
        return text
    }
}
