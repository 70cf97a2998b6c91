// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallHealth

/// The probes of a server: the usual ones, and what it knows of its own instances.
struct ServerProbes: HealthProbe {
    let standard: StandardProbes
    let catalog: Catalog
    /// `nil` where there are none of Consul's.
    let aliases: ConsulAliases?

    func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult {
        guard case .alias(let key) = check.kind else { return await standard.probe(check, of: instance) }
        return alias(key)
    }

    private func alias(_ key: InstanceKey) -> CheckResult {
        if let aliases, key.service == CheckBody.anyService { return aliases.result(of: key.id.value) }
        guard let target = catalog.instance(key) else { return CheckResult(.critical, "\(key) is not registered") }
        return CheckResult(
            ofAliased: target.checks.map { check in
                let name = target.registration.check(check.id)?.name ?? ""
                return (name.isEmpty ? check.id : name, check.status, check.output)
            })
    }
}

extension CheckResult {
    /// What checks come to for who stands for them, in Consul's words.
    init(ofAliased checks: [(name: String, status: HealthCheck.Status, output: String)]) {
        guard let worst = checks.max(by: { $0.status < $1.status }) else {
            self.init(.passing, "No checks found.")
            return
        }
        let isPassing = worst.status == .passing
        let failing = "Aliased check \"\(worst.name)\" failing: \(worst.output)"
        self.init(worst.status, isPassing ? "All checks passing." : failing)
    }
}
