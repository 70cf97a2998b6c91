// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// What is kept of a node.
struct NodeRecord: Sendable, Hashable {
    /// With the checks that the catalog was given, and the one that stands for maintenance.
    var node: ConsulNode
    /// The checks of the node that this server runs, as those of a made-up instance that stands for the node: they are
    /// declared, run and shown as those of a service are.
    var agent: ServiceInstance?

    /// The name under which the made-up instance would be registered; no registry ever sees it.
    private static let service = ServiceName("node")

    init(node: ConsulNode, agent: ServiceInstance? = nil) {
        self.node = node
        self.agent = agent
    }

    /// The node as it is shown.
    ///
    /// - Parameter isOwn: Whether it is the agent's own: whoever can ask this server knows that it is alive.
    func shown(isOwn: Bool) -> ConsulNode {
        var shown = node
        if isOwn { shown.checks.append(alive) }
        shown.checks += agentChecks
        shown.checks.sort { $0.id < $1.id }
        return shown
    }

    private var alive: ConsulCheck {
        ConsulCheck(
            node: node.name, id: ConsulCheckID.serfHealth, name: "Serf Health Status", status: .passing,
            output: "Agent alive and reachable", createIndex: node.createIndex, modifyIndex: node.createIndex)
    }

    private var agentChecks: [ConsulCheck] {
        guard let agent else { return [] }
        return ConsulProjection(agent, agentNode: node.name).checks.map { check in
            var check = check
            check.serviceID = ""
            check.serviceName = ""
            return check
        }
    }

    // MARK: Changes

    /// Declares a check in the place of one with its identifier, whose result stays.
    mutating func declare(_ check: CheckDefinition, _ shadow: ConsulShadow.Check, at time: WallTime) {
        var registration = agent?.registration ?? Registration(
            service: Self.service, id: InstanceID(node.name), host: node.address, port: 0, node: node.name,
            lease: .permanent)
        registration.checks.removeAll { $0.id == check.id }
        registration.checks.append(check)
        var known = ConsulShadow(registration)
        known.checks[check.id] = shadow
        registration.keep(known)
        var results = agent?.checks ?? []
        if !results.contains(where: { $0.id == check.id }) {
            results.append(HealthCheck(id: check.id, status: check.initialStatus, since: time))
        }
        put(registration, results, at: time)
    }

    /// Forgets a check, whether it is run here or was given.
    mutating func removeCheck(_ id: String, at time: WallTime) {
        node.checks.removeAll { $0.id == id }
        guard let agent, var registration = self.agent?.registration, registration.check(id) != nil else { return }
        registration.checks.removeAll { $0.id == id }
        var known = ConsulShadow(registration)
        known.checks[id] = nil
        registration.keep(known)
        put(registration, agent.checks.filter { $0.id != id }, at: time)
    }

    /// Notes a result of a check that is run here.
    mutating func report(_ id: String, _ status: HealthCheck.Status, _ output: String, at time: WallTime) {
        guard let agent, let index = agent.checks.firstIndex(where: { $0.id == id }) else { return }
        var results = agent.checks
        if results[index].status != status { results[index].since = time }
        results[index].status = status
        results[index].output = output
        guard results != agent.checks else { return }
        put(agent.registration, results, at: time)
    }

    private mutating func put(_ registration: Registration, _ results: [HealthCheck], at time: WallTime) {
        guard let agent else {
            self.agent = ServiceInstance(
                registration: registration, incarnation: Incarnation(1), checks: results, revision: Revision(1),
                registeredAt: time, changedAt: time)
            return
        }
        self.agent = agent.changed(registration: registration, checks: results, revision: agent.revision, at: time)
    }

    // MARK: Indexes

    /// The record with the indexes of a change at `revision`.
    ///
    /// - Parameter former: What it replaces.
    func stamped(after former: NodeRecord?, at revision: Revision) -> NodeRecord {
        var stamped = self
        let index = revision.value
        var unchanged = node
        unchanged.checks = former?.node.checks ?? []
        let isNodeSame = unchanged == former?.node
        stamped.node.createIndex = former?.node.createIndex ?? index
        stamped.node.modifyIndex = isNodeSame ? node.modifyIndex : index
        stamped.node.changeIndex = index
        for position in stamped.node.checks.indices {
            let check = stamped.node.checks[position]
            let known = former?.node.checks.first { $0.id == check.id }
            stamped.node.checks[position].createIndex = known?.createIndex ?? index
            stamped.node.checks[position].modifyIndex = check == known ? check.modifyIndex : index
        }
        if let agent, agent != former?.agent {
            let incarnation = former?.agent?.incarnation ?? Incarnation(index)
            stamped.agent = ServiceInstance(
                registration: agent.registration, incarnation: incarnation, checks: agent.checks, revision: revision,
                registeredAt: agent.registeredAt, changedAt: agent.changedAt)
        }
        return stamped
    }
}
