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
    /// Keeps events that users fire.
    let events = EventLog()
    private let store: Result<KVStore, ConsulError>
    /// Likewise.
    let nodeChecks: NodeChecks?
    let page: MetricsPage
    /// Who changes a service, by the identity that Consul knows it by.
    let turns = TurnQueue<ConsulIdentity>()
    let time: TimeSource
    let logger: Logger

    init(
        ground: ConsulGround, checks: HealthChecks?, nodeChecks: NodeChecks?, page: MetricsPage, time: TimeSource,
        logger: Logger
    ) {
        registry = ground.registry
        configuration = ground.configuration
        view = ground.view
        nodes = ground.nodes
        self.checks = checks
        self.nodeChecks = nodeChecks
        self.page = page
        self.time = time
        self.logger = logger
        store = Self.openStore(registry, time, logger)
    }

    private static func openStore(_ registry: any CatalogRegistry, _ time: TimeSource, _ logger: Logger)
        -> Result<KVStore, ConsulError>
    {
        guard let records = registry.records else {
            return .failure(ConsulError(501, "this registry keeps no KV entries and sessions"))
        }
        do throws(KVRecords.Unreadable) {
            let revision = registry.catalog.revision
            return .success(try KVStore(records: records, revision: revision, time: time, logger: logger))
        } catch {
            logger.error("the KV store and sessions are not served", metadata: ["error": "\(error)"])
            return .failure(ConsulError(500, "the KV store is not served: \(error)"))
        }
    }

    /// The KV store, sessions and prepared queries.
    ///
    /// - Throws: Why there is none.
    func keyValues() throws(ConsulError) -> KVStore { try store.get() }

    /// What performs operations on nodes, services and checks within transactions; `nil` when nothing does.
    var catalogTransactions: (any CatalogTransactions)? { nil }

    /// Does what the dialect does by itself, until the task is cancelled: records its node, runs the checks of nodes,
    /// and ends sessions that run out or whose checks fail.
    func run() async {
        do throws(ConsulError) {
            try await nodes.recordOwn()
        } catch {
            logger.warning("the agent's own node was not recorded", metadata: ["error": "\(error)"])
        }
        await withDiscardingTaskGroup { tasks in
            if let nodeChecks { tasks.addTask { await nodeChecks.run() } }
            guard case .success(let store) = store else { return }
            let sessions = SessionGuard(store: store, checks: self, time: time, logger: logger)
            tasks.addTask { await store.run() }
            tasks.addTask { await sessions.run() }
        }
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
    static let routes = ConsulRoutes(
        statusRoutes + catalogRoutes + catalogWriteRoutes + healthRoutes + agentServiceRoutes + agentCheckRoutes
            + agentHealthRoutes + agentSelfRoutes + kvRoutes + sessionRoutes + transactionRoutes + eventRoutes
            + queryRoutes + absentRoutes)
}
