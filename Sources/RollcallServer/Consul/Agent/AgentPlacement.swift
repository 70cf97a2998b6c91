// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// A check that is declared, with what only Consul knows of it.
struct DeclaredCheck: Sendable {
    var definition: CheckDefinition
    var shadow: ConsulShadow.Check

    var id: String { definition.id }
}

extension ConsulAPI {
    var runsCommands: Bool { checks?.configuration.runsCommands ?? false }

    /// The checks of a registration under the identifiers and names that Consul gives them.
    func declaredChecks(of body: AgentServiceBody) throws(ConsulError) -> [DeclaredCheck] {
        var declared: [DeclaredCheck] = []
        let only = ConsulCheckID.ofService(body.service.id)
        for (position, check) in body.checks.enumerated() {
            let standard = body.checks.count > 1 ? "\(only):\(position + 1)" : only
            let (definition, shadow) = try check.definition(
                id: check.id.isEmpty ? standard : check.id,
                name: check.name.isEmpty ? "Service '\(body.service.name)' check" : check.name, agentNode: agentNode,
                runsCommands: runsCommands)
            // Of two with one identifier the later one counts.
            declared.removeAll { $0.id == definition.id }
            declared.append(DeclaredCheck(definition: definition, shadow: shadow))
        }
        return declared
    }

    /// Registers a service of the agent's node in the place of the one with its identifier. The caller has the turn.
    ///
    /// - Parameters:
    ///   - declared: Its checks. Those that it had before stay as well, unless `replaces`.
    func place(_ service: ServiceBody, _ declared: [DeclaredCheck], replaces: Bool) async throws(ConsulError) {
        guard let node = nodes[agentNode] else { return }
        let former = agentInstance(service.id)
        let ids = Set(declared.map(\.id))
        var all = declared
        var shadows = Dictionary(declared.map { ($0.id, $0.shadow) }) { $1 }
        if let former, !replaces {
            let known = ConsulShadow(former.registration).checks
            for check in former.registration.checks where !ids.contains(check.id) {
                all.append(DeclaredCheck(definition: check, shadow: known[check.id] ?? ConsulShadow.Check()))
            }
            for (id, shadow) in known where !ids.contains(id) { shadows[id] = shadow }
        }
        let isMoved = former.map { $0.service != ServiceName(service.name) } ?? false
        let definitions = all.map { $0.definition.goingOn(from: former, isMoved: isMoved) }
        let registration = service.registration(
            on: node, agentNode: agentNode, checks: definitions, checkShadows: shadows)
        try await consulCaught { () throws(RegistryError) in
            let instance = try await registry.register(registration).instance
            if let former { try await goOn(instance, from: former, isMoved: isMoved, replaces: replaces) }
        }
    }

    /// Brings what was said of the former registration to the new one.
    private func goOn(_ instance: ServiceInstance, from former: ServiceInstance, isMoved: Bool, replaces: Bool)
        async throws(RegistryError)
    {
        for check in former.checks where instance.registration.check(check.id) != nil {
            let present = instance.checks.first { $0.id == check.id }
            if present?.output != check.output {
                try await registry.update(
                    instance.key, incarnation: instance.incarnation,
                    .checkOutput(id: check.id, output: check.output))
            }
            // To register is to report: the time of a reported check begins anew.
            if instance.registration.check(check.id)?.isReported ?? false {
                checks?.reported(instance.key, check: check.id, check.status, check.output)
            }
        }
        if isMoved {
            if former.desired != .enabled {
                try await registry.update(
                    instance.key, incarnation: instance.incarnation, .desired(former.desired))
            }
            // Its new place is known already: nobody finds the service gone in between.
            try await registry.deregister(former.key, incarnation: former.incarnation)
        } else if replaces {
            for check in former.checks where former.registration.check(check.id) == nil {
                try await registry.update(
                    instance.key, incarnation: instance.incarnation, .removeCheck(id: check.id))
            }
        }
    }
}

extension CheckDefinition {
    /// The definition with the status that the check has now in the place of the first one, when the registry would
    /// begin anew because something else is asked: Consul keeps the result of a check by its identifier alone.
    fileprivate func goingOn(from former: ServiceInstance?, isMoved: Bool) -> CheckDefinition {
        guard let former, let known = former.checks.first(where: { $0.id == id }) else { return self }
        guard isMoved || former.registration.check(id)?.kind != kind else { return self }
        var definition = self
        definition.initialStatus = known.status
        return definition
    }
}
