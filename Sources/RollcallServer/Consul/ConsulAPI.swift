// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Rollcall
internal import RollcallConsul

/// What the routes of Consul's API work on.
final class ConsulAPI: Sendable {
    let registry: any CatalogRegistry
    let configuration: ConsulConfiguration
    let view: ConsulView
    let nodes: ConsulNodes
    /// `nil` where the server runs no checks.
    let checks: HealthChecks?
    let time: TimeSource
    let logger: Logger

    init(
        registry: any CatalogRegistry, configuration: ConsulConfiguration, checks: HealthChecks?, time: TimeSource,
        logger: Logger
    ) {
        self.registry = registry
        self.configuration = configuration
        self.checks = checks
        self.time = time
        self.logger = logger
        view = ConsulView(catalog: registry.catalog, agentNode: configuration.nodeName)
        nodes = ConsulNodes(configuration: configuration, revision: registry.catalog.revision)
    }

    var agentNode: String { configuration.nodeName }

    /// The node of an instance. One that nobody has registered as a node is known by the address of its instances.
    func node(of instance: ServiceInstance) -> ConsulNode {
        let name = instance.registration.node.isEmpty ? agentNode : instance.registration.node
        return nodes[name]
            ?? ConsulNode(
                name: name, address: instance.host, datacenter: configuration.datacenter,
                createIndex: instance.createRevision.value, modifyIndex: instance.createRevision.value)
    }

    /// The node with this name, if it was registered or an instance is on it.
    func node(named name: String) -> ConsulNode? {
        if let node = nodes[name] { return node }
        return view.instances(on: name).first.map(node)
    }

    /// All nodes, sorted by name.
    func allNodes() -> [ConsulNode] {
        let registered = nodes.all
        let known = Set(registered.map(\.name))
        let implied = view.read(\.nodes).filter { !known.contains($0) }.compactMap(node(named:))
        return (registered + implied).sorted { $0.name < $1.name }
    }

    func projection(_ instance: ServiceInstance) -> ConsulProjection {
        ConsulProjection(instance, agentNode: agentNode)
    }

    /// Every route.
    static let routes = ConsulRoutes(statusRoutes + catalogRoutes + healthRoutes)
}
