// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul
internal import Synchronization

/// The nodes that were registered, and the agent's own.
///
/// A node that is only named by instances is not here: it comes and goes with them.
final class ConsulNodes: Sendable {
    private struct State {
        var nodes: [String: ConsulNode] = [:]
        var revision: Revision
        var observers: [UInt64: @Sendable () -> Void] = [:]
        var nextObserver: UInt64 = 0
    }

    private let state: Mutex<State>
    let agentNode: String

    /// - Parameter revision: At which the agent's own node begins.
    init(configuration: ConsulConfiguration, revision: Revision) {
        agentNode = configuration.nodeName
        var own = ConsulNode(
            name: configuration.nodeName, address: configuration.nodeAddress, datacenter: configuration.datacenter,
            meta: ["consul-network-segment": ""], createIndex: max(1, revision.value),
            modifyIndex: max(1, revision.value))
        own.taggedAddresses = ["lan": own.address, "wan": own.address]
        if let family = IPFamily(own.address) {
            own.taggedAddresses?["lan_\(family)"] = own.address
            own.taggedAddresses?["wan_\(family)"] = own.address
        }
        own.checks = [
            ConsulCheck(
                node: own.name, id: ConsulCheckID.serfHealth, name: "Serf Health Status", status: .passing,
                output: "Agent alive and reachable", createIndex: own.createIndex, modifyIndex: own.modifyIndex)
        ]
        state = Mutex(State(nodes: [own.name: own], revision: revision))
    }

    subscript(name: String) -> ConsulNode? { state.withLock { $0.nodes[name] } }

    var all: [ConsulNode] { state.withLock { Array($0.nodes.values) } }

    /// The revision of the last change of any node.
    var revision: Revision { state.withLock { $0.revision } }

    /// Puts a node in the place of the one with its name, or removes it.
    func publish(_ name: String, _ node: ConsulNode?, at revision: Revision) {
        let observers = state.withLock { state in
            state.nodes[name] = node
            state.revision = max(state.revision, revision)
            return Array(state.observers.values)
        }
        for wake in observers { wake() }
    }
}

extension ConsulNodes: ConsulWakeSource {
    func observe(_ wake: @escaping @Sendable () -> Void) -> any Sendable {
        let id = state.withLock { state in
            state.nextObserver += 1
            state.observers[state.nextObserver] = wake
            return state.nextObserver
        }
        return NodesObservation(id: id, nodes: self)
    }

    fileprivate func stopObserving(_ id: UInt64) { _ = state.withLock { $0.observers.removeValue(forKey: id) } }
}

private final class NodesObservation: Sendable {
    let id: UInt64
    let nodes: ConsulNodes

    init(id: UInt64, nodes: ConsulNodes) {
        self.id = id
        self.nodes = nodes
    }

    deinit { nodes.stopObserving(id) }
}

/// Wakes for the changes of one service or of all.
struct CatalogWakeSource: ConsulWakeSource {
    let catalog: Catalog
    let scope: WatchScope

    func observe(_ wake: @escaping @Sendable () -> Void) -> any Sendable { catalog.observe(scope, wake) }
}
