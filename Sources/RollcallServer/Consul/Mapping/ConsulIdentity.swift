// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// How Consul's identifiers, unique on a node, and the registry's, unique in a service, stand for each other.
///
/// An instance of the agent's own node has the same identifier in both. One that the catalog was given for another node
/// is `ID@node` in the registry, because two nodes may give the same identifier to their instances of one service.
struct ConsulIdentity: Sendable, Hashable {
    let node: String
    let serviceID: String

    /// - Parameter agentNode: The node of instances that name none.
    init(_ registration: Registration, agentNode: String) {
        node = registration.node.isEmpty ? agentNode : registration.node
        let id = registration.id.value
        let suffix = "@\(node)"
        serviceID = node != agentNode && id.hasSuffix(suffix) ? String(id.dropLast(suffix.count)) : id
    }

    init(node: String, serviceID: String) {
        self.node = node
        self.serviceID = serviceID
    }

    /// The registry's identifier of a new instance.
    func instanceID(agentNode: String) -> InstanceID {
        InstanceID(node == agentNode ? serviceID : "\(serviceID)@\(node)")
    }
}
