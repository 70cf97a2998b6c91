// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import NIOCore
internal import Rollcall
internal import RollcallHealth

/// Runs the checks that the instances of a registry declare: follows the catalog, and writes transitions through the
/// registry.
final class HealthChecks: Sendable {
    private let registry: any CatalogRegistry
    private let runner: CheckRunner
    private let standard: StandardProbes
    /// What asks the targets; also for checks that are not those of instances.
    let probes: ServerProbes
    let configuration: HealthConfiguration
    private let metrics: HealthMetrics
    private let logger: Logger

    /// - Parameter aliases: What aliases by Consul's identifiers stand for; `nil` where there are none.
    init(
        registry: any CatalogRegistry, configuration: HealthConfiguration, aliases: ConsulAliases?, time: TimeSource,
        metrics: HealthMetrics, group: (any EventLoopGroup)?, logger: Logger
    ) {
        self.registry = registry
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        standard = StandardProbes(runsCommands: configuration.runsCommands, group: group)
        probes = ServerProbes(standard: standard, catalog: registry.catalog, aliases: aliases)
        runner = CheckRunner(
            configuration: configuration.scheduler, probe: probes, time: time, observer: metrics)
    }

    /// Runs until the task is cancelled or the registry is closed.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.runner.run() }
            group.addTask { await self.runner.deliver { await self.write($0) } }
            for await event in registry.watch(.all, from: nil) { follow(event) }
            group.cancelAll()
        }
        await standard.shutdown()
    }

    // MARK: Reports

    /// Refuses the report of a check that this server runs itself.
    func refusal(of id: String, _ key: InstanceKey) -> RegistryError? {
        guard let check = registry.catalog.instance(key)?.registration.check(id), !check.isReported else { return nil }
        let fault = FieldFault("check", "\"\(id)\" is run by the server: only ttl checks are reported")
        return .invalid("check of \(key)", [fault])
    }

    /// Takes a report after the registry has taken it.
    func reported(_ key: InstanceKey, check id: String, _ status: HealthCheck.Status, _ output: String) {
        runner.reported(key, check: id, CheckResult(status, output))
    }

    // MARK: Following

    private func follow(_ event: WatchEvent) {
        switch event {
        case .snapshot(let snapshot):
            var gone = Set(runner.followed)
            for service in snapshot.services {
                for instance in service.instances where !instance.registration.checks.isEmpty {
                    gone.remove(instance.key)
                    runner.follow(instance)
                }
            }
            for key in gone { runner.forget(key) }
        case .changes(let changes):
            for change in changes.changes { follow(change) }
        case .engine: break
        }
    }

    private func follow(_ change: InstanceChange) {
        switch change.kind {
        case .deregistered, .evicted: runner.forget(change.key)
        // Results change often, and say nothing about what is to be run.
        case .checkChanged, .lapsed, .suspected, .released, .revived: break
        case .registered, .updated, .stateChanged: runner.follow(change.instance)
        }
    }

    // MARK: Writing

    private func write(_ finding: CheckFinding) async {
        let (key, life) = (finding.key, finding.incarnation)
        do throws(RegistryError) {
            switch finding.action {
            case .record(let status, let output):
                let known = registry.catalog.instance(key)?.checks.first { $0.id == finding.checkID }?.output
                let output = CheckFinding.explained(output, after: known)
                try await registry.update(
                    key, incarnation: life, .check(id: finding.checkID, status: status, output: output))
            case .refresh(let output):
                try await registry.update(key, incarnation: life, .checkOutput(id: finding.checkID, output: output))
            case .deregister:
                try await registry.deregister(key, incarnation: life)
                logger.notice(
                    "instance deregistered: its check was critical for too long",
                    metadata: ["instance": "\(key)", "check": "\(finding.checkID)"])
            }
        } catch {
            switch error.code {
            // The instance is gone, or began another life: the catalog says so as well.
            case .unknownInstance, .fenced, .closed: break
            default:
                metrics.writeFailed()
                runner.writeFailed(finding)
                logger.warning(
                    "the result of a check was not written", metadata: ["instance": "\(key)", "error": "\(error)"])
            }
        }
    }
}
