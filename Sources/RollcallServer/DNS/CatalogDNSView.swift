// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul
internal import RollcallDNS
internal import Synchronization

/// Nodes and instances as Consul's API shows them: the nodes that were registered, the server's own among them, and
/// those that instances name. The address of such a node is the host of its first instance.
final class CatalogDNSView: DNSView {
    private let catalog: Catalog
    private let nodes: ConsulNodes
    private let index: Mutex<NodeIndex>

    init(catalog: Catalog, nodes: ConsulNodes) {
        self.catalog = catalog
        self.nodes = nodes
        index = Mutex(NodeIndex(ownNode: nodes.agentNode))
    }

    var revision: UInt64 { nodes.revision.value }

    var ownNode: DNSNode {
        nodes[nodes.agentNode].map(DNSNode.init) ?? DNSNode(name: nodes.agentNode, address: "127.0.0.1")
    }

    func node(named name: String) -> DNSNode? { upToDate { $0.node(named: ServiceName(name)) } }

    func owner(of address: IPAddress) -> DNSOwner? { upToDate { $0.owner(of: address) } }

    func endpoint(of instance: ServiceInstance) -> DNSEndpoint {
        let registration = instance.registration
        let known = nodes[registration.node.isEmpty ? nodes.agentNode : registration.node]
        let shadow = ConsulShadow(registration)
        let address = shadow.address ?? registration.host
        let nodeHealth = known?.checks.lazy.map(\.status).max() ?? .passing
        let warns = instance.status == .warning || nodeHealth == .warning
        return DNSEndpoint(
            node: known.map(DNSNode.init) ?? DNSNode(name: registration.node, address: registration.host),
            address: address.isEmpty ? nil : address, port: UInt16(clamping: shadow.port ?? Int(registration.port)),
            weight: warns
                ? UInt16(clamping: shadow.warningWeight)
                : UInt16(clamping: shadow.passingWeight ?? Int(registration.weight)),
            nodeHealth: nodeHealth)
    }

    /// The index follows the catalog when somebody asks, so that a registry of which nobody does pays nothing for it.
    private func upToDate<Value: Sendable>(_ read: (NodeIndex) -> Value) -> Value {
        index.withLock { index in
            index.follow(catalog, nodes)
            return read(index)
        }
    }
}

extension DNSNode {
    init(_ node: ConsulNode) {
        self.init(name: node.name, address: node.address, metadata: node.meta ?? [:])
    }
}

/// Who is on which node and at which address.
struct NodeIndex: Sendable {
    private var cursor = Catalog.Cursor()
    private var instances: [InstanceKey: ServiceInstance] = [:]
    /// Names are compared as those of services are: in the DNS, case does not matter.
    private var byNode: [ServiceName: Set<InstanceKey>] = [:]
    private var byAddress: [IPAddress: Set<InstanceKey>] = [:]
    private var nodesRevision: Revision?
    private var registered: [ServiceName: DNSNode] = [:]
    private var registeredByAddress: [IPAddress: String] = [:]
    private let ownNode: ServiceName

    init(ownNode: String) {
        self.ownNode = ServiceName(ownNode)
    }

    /// Takes in what happened since the last time.
    mutating func follow(_ catalog: Catalog, _ nodes: ConsulNodes) {
        while let event = catalog.next(in: .all, after: &cursor) {
            switch event {
            case .snapshot(let snapshot):
                (instances, byNode, byAddress) = ([:], [:], [:])
                for service in snapshot.services {
                    for instance in service.instances { add(instance) }
                }
            case .changes(let changes):
                for change in changes.changes {
                    remove(change.key)
                    if !change.isRemoval { add(change.instance) }
                }
            case .engine: break
            }
        }
        let revision = nodes.revision
        guard nodesRevision != revision else { return }
        nodesRevision = revision
        (registered, registeredByAddress) = ([:], [:])
        for node in nodes.all.sorted(by: { $0.name < $1.name }).map(DNSNode.init) {
            registered[ServiceName(node.name)] = node
            guard let address = IPAddress(node.address), registeredByAddress[address] == nil else { continue }
            registeredByAddress[address] = node.name
        }
    }

    private mutating func add(_ instance: ServiceInstance) {
        let key = instance.key
        instances[key] = instance
        if let node = nodeName(instance) { byNode[node, default: []].insert(key) }
        if let address = IPAddress(instance.host) { byAddress[address, default: []].insert(key) }
    }

    private mutating func remove(_ key: InstanceKey) {
        guard let instance = instances.removeValue(forKey: key) else { return }
        if let node = nodeName(instance) {
            byNode[node]?.remove(key)
            if byNode[node]?.isEmpty == true { byNode[node] = nil }
        }
        if let address = IPAddress(instance.host) {
            byAddress[address]?.remove(key)
            if byAddress[address]?.isEmpty == true { byAddress[address] = nil }
        }
    }

    /// The node that an instance names; `nil` for the server's own.
    private func nodeName(_ instance: ServiceInstance) -> ServiceName? {
        let name = ServiceName(instance.registration.node)
        return name.value.isEmpty || name == ownNode ? nil : name
    }

    func node(named name: ServiceName) -> DNSNode? {
        if let node = registered[name] { return node }
        guard let first = byNode[name]?.min(), let instance = instances[first] else { return nil }
        return DNSNode(name: instance.registration.node, address: instance.host)
    }

    func owner(of address: IPAddress) -> DNSOwner? {
        if let node = registeredByAddress[address] { return .node(node) }
        guard let keys = byAddress[address], let first = keys.min() else { return nil }
        let names = Set(keys.lazy.compactMap { instances[$0].flatMap(nodeName) })
        for name in names.sorted() {
            guard let node = node(named: name), IPAddress(node.address) == address else { continue }
            return .node(node.name)
        }
        return .service(first.service.value)
    }
}
