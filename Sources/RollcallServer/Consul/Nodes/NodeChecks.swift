// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall
internal import RollcallHealth

/// Runs the checks of the agent's own node: those that were registered without a service. They run as those of
/// instances do, and what they come to is kept with the node.
final class NodeChecks: Sendable {
    private let nodes: ConsulNodes
    private let runner: CheckRunner
    private let time: TimeSource
    private let logger: Logger

    init(nodes: ConsulNodes, checks: HealthChecks, metrics: HealthMetrics, time: TimeSource, logger: Logger) {
        self.nodes = nodes
        self.time = time
        self.logger = logger
        runner = CheckRunner(
            configuration: checks.configuration.scheduler, probe: checks.probes, time: time,
            observer: RoundsOnly(metrics: metrics))
    }

    /// Runs until the task is cancelled.
    func run() async {
        follow()
        await withDiscardingTaskGroup { group in
            group.addTask { await self.runner.run() }
            group.addTask { await self.runner.deliver { await self.write($0) } }
        }
    }

    /// Runs what the node declares now. To be called after each change of it.
    func follow() {
        guard let agent = nodes.record(nodes.agentNode)?.agent else { return }
        if agent.registration.checks.isEmpty { runner.forget(agent.key) } else { runner.follow(agent) }
    }

    /// Takes a report after it was written.
    func reported(_ id: String, _ status: HealthCheck.Status, _ output: String) {
        guard let agent = nodes.record(nodes.agentNode)?.agent else { return }
        runner.reported(agent.key, check: id, CheckResult(status, output))
    }

    private func write(_ finding: CheckFinding) async {
        let now = time.wallTime()
        do throws(ConsulError) {
            try await nodes.change(nodes.agentNode) { record in
                guard let known = record?.agent?.checks.first(where: { $0.id == finding.checkID }) else { return }
                switch finding.action {
                case .record(let status, let output):
                    let output = CheckFinding.explained(output, after: known.output)
                    record?.report(known.id, status, output, at: now)
                case .refresh(let output): record?.report(known.id, known.status, output, at: now)
                // A node is not deregistered for a check of it.
                case .deregister: break
                }
            }
        } catch {
            runner.writeFailed(finding)
            logger.warning(
                "the result of a check of the node was not written",
                metadata: ["check": "\(finding.checkID)", "error": "\(error)"])
        }
    }
}

/// The levels on the metrics page are those of instances' checks.
private struct RoundsOnly: CheckRunnerObserver {
    let metrics: HealthMetrics

    func roundEnded(_ check: CheckDefinition, _ status: HealthCheck.Status, after duration: Duration) {
        metrics.roundEnded(check, status, after: duration)
    }

    func levels(checks: Int, running: Int, queued: Int) {}
}
