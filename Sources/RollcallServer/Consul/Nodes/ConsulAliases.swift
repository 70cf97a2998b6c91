// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// What the alias checks of Consul's clients stand for: a service's identifier on a node, or a node.
struct ConsulAliases: Sendable {
    let ground: ConsulGround

    /// - Parameter target: `ID` on the agent's node, `ID@NODE`, or `@NODE` for the checks of the node alone.
    func result(of target: String) -> CheckResult {
        var identity = ConsulIdentity(node: ground.agentNode, serviceID: target)
        if ground.view.key(of: identity) == nil, let mark = target.lastIndex(of: "@") {
            identity = ConsulIdentity(
                node: String(target[target.index(after: mark)...]), serviceID: String(target[..<mark]))
        }
        var checks = ground.nodes[identity.node]?.checks ?? []
        if !identity.serviceID.isEmpty {
            guard let key = ground.view.key(of: identity), let instance = ground.registry.catalog.instance(key) else {
                return CheckResult(
                    .critical, "Service \(identity.serviceID) could not be found on node \(identity.node)")
            }
            checks += ConsulProjection(instance, agentNode: ground.agentNode).checks
        }
        // That this process is alive need not be said by an alias.
        return CheckResult(
            ofAliased: checks.filter { $0.id != ConsulCheckID.serfHealth }.map { ($0.name, $0.status, $0.output) })
    }
}
