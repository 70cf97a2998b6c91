// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// A check of the agent's own node, found by the identifier that Consul knows it by.
enum AgentCheck: Sendable {
    /// With the identifier that the registry knows it by.
    case ofService(ServiceInstance, checkID: String)
    /// `nil` for one that is not run here.
    case ofNode(CheckDefinition?)
    /// The lease of an instance that renews it by heartbeats.
    case lease(InstanceKey)
}

extension ConsulAPI {
    func agentCheck(_ id: String) -> AgentCheck? {
        if let key = view.read({ $0.key(ofCheck: id) }), let found = check(id, of: key) { return found }
        if let found = checkWithServiceID(id) { return found }
        let record = nodes.record(agentNode)
        if let definition = record?.agent?.registration.check(id) { return .ofNode(definition) }
        return record?.node.checks.contains { $0.id == id } ?? false ? .ofNode(nil) : nil
    }

    /// Consul's own identifiers are `service:ID` and `service:ID:…`, where the service's identifier may hold colons.
    private func checkWithServiceID(_ id: String) -> AgentCheck? {
        let prefix = ConsulCheckID.ofService("")
        guard id.hasPrefix(prefix) else { return nil }
        var serviceID = id.dropFirst(prefix.count)
        while true {
            if let key = view.key(of: agentIdentity(String(serviceID))), let found = check(id, of: key) { return found }
            guard let colon = serviceID.lastIndex(of: ":") else { return nil }
            serviceID = serviceID[..<colon]
        }
    }

    private func check(_ id: String, of key: InstanceKey) -> AgentCheck? {
        guard let instance = registry.catalog.instance(key) else { return nil }
        let known = ConsulShadow(instance.registration).checks
        let serviceID = ConsulIdentity(instance.registration, agentNode: agentNode).serviceID
        for check in instance.checks {
            let shown = known[check.id] == nil ? ConsulCheckID.of(check.id, serviceID: serviceID) : check.id
            if shown == id { return .ofService(instance, checkID: check.id) }
        }
        let isLease = instance.lease.kind != .none && id == ConsulCheckID.ofService(serviceID)
        return isLease ? .lease(key) : nil
    }
}

/// The note that comes with a report.
enum CheckNote {
    /// What of it is kept: its beginning, and how much there was.
    ///
    /// - Parameter most: Bytes, when the check has a limit of its own.
    static func kept(_ note: String, most: Int?) -> String {
        // What is said of the rest has to fit as well.
        let room = ModelLimits.standard.checkOutputBytes - 64
        let limit = min(most ?? room, room)
        let count = note.utf8.count
        guard count > limit else { return note }
        var kept = 0
        let head = note.prefix { character in
            kept += character.utf8.count
            return kept <= limit
        }
        return "\(head) ... (captured \(head.utf8.count) of \(count) bytes)"
    }
}
