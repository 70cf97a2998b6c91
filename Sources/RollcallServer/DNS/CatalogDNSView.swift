// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallDNS
internal import Synchronization

/// Nodes as the catalog alone knows them: the server's own, and those that registrations name. The address of such a
/// node is the host of its first instance.
final class CatalogDNSView: DNSView {
    let ownNode: DNSNode
    private let catalog: Catalog
    private let index: Mutex<NodeIndex>

    init(catalog: Catalog, ownNode: DNSNode) {
        self.catalog = catalog
        self.ownNode = ownNode
        index = Mutex(NodeIndex(ownNode: ownNode.name))
    }

    /// Nothing beside the instance decides what is said of it.
    var revision: UInt64 { 0 }

    func node(named name: String) -> DNSNode? {
        if ServiceName(name) == ServiceName(ownNode.name) { return ownNode }
        return upToDate { $0.node(named: name) }
    }

    func owner(of address: IPAddress) -> DNSOwner? {
        if IPAddress(ownNode.address) == address { return .node(ownNode.name) }
        return upToDate { $0.owner(of: address) }
    }

    func endpoint(of instance: ServiceInstance) -> DNSEndpoint {
        let registration = instance.registration
        let isOwn = registration.node.isEmpty || ServiceName(registration.node) == ServiceName(ownNode.name)
        let node = isOwn ? ownNode : DNSNode(name: registration.node, address: instance.host)
        return DNSEndpoint(
            node: node, address: instance.host == node.address && isOwn ? nil : instance.host, port: instance.port,
            weight: instance.weight)
    }

    /// The index follows the catalog when somebody asks, so that a registry of which nobody does pays nothing for it.
    private func upToDate<Value: Sendable>(_ read: (NodeIndex) -> Value) -> Value {
        index.withLock { index in
            index.follow(catalog)
            return read(index)
        }
    }
}

/// Who is on which node and at which address.
struct NodeIndex: Sendable {
    private var cursor = Catalog.Cursor()
    private var instances: [InstanceKey: ServiceInstance] = [:]
    /// Names are compared as those of services are.
    private var byNode: [ServiceName: Set<InstanceKey>] = [:]
    private var byAddress: [IPAddress: Set<InstanceKey>] = [:]
    private let ownNode: ServiceName

    init(ownNode: String) {
        self.ownNode = ServiceName(ownNode)
    }

    /// Takes in what happened to the catalog since the last time.
    mutating func follow(_ catalog: Catalog) {
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

    private func nodeName(_ instance: ServiceInstance) -> ServiceName? {
        let name = ServiceName(instance.registration.node)
        return name.value.isEmpty || name == ownNode ? nil : name
    }

    func node(named name: String) -> DNSNode? {
        guard let first = byNode[ServiceName(name)]?.min(), let instance = instances[first] else { return nil }
        return DNSNode(name: instance.registration.node, address: instance.host)
    }

    func owner(of address: IPAddress) -> DNSOwner? {
        guard let keys = byAddress[address], let first = keys.min() else { return nil }
        let names = Set(keys.lazy.compactMap { instances[$0].flatMap(nodeName) })
        for name in names.sorted() {
            guard let node = node(named: name.value), IPAddress(node.address) == address else { continue }
            return .node(node.name)
        }
        return .service(first.service.value)
    }
}
