// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallHealth

/// The probes of a server: the usual ones, and what it knows of its own instances.
struct ServerProbes: HealthProbe {
    let standard: StandardProbes
    let catalog: Catalog

    func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult {
        guard case .alias(let key) = check.kind else { return await standard.probe(check, of: instance) }
        return alias(key)
    }

    private func alias(_ key: InstanceKey) -> CheckResult {
        guard let target = catalog.instance(key) else { return CheckResult(.critical, "\(key) is not registered") }
        guard let worst = target.checks.max(by: { $0.status < $1.status }) else {
            return CheckResult(.passing, "\(key) has no checks")
        }
        guard worst.status != .passing else { return CheckResult(.passing, "all checks of \(key) are passing") }
        return CheckResult(worst.status, "the check \(worst.id) of \(key) is \(worst.status.rawValue)")
    }
}
