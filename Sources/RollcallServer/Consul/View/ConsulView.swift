// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import Synchronization

/// The catalog by nodes and by Consul's identifiers, which are unique on a node.
///
/// It follows the catalog when it is asked, so a reader finds what was published before, and whoever never asks
/// Consul's questions pays nothing.
final class ConsulView: Sendable {
    private struct State {
        var cursor = Catalog.Cursor()
        var index: ConsulIndex
    }

    private let catalog: Catalog
    private let state: Mutex<State>

    /// - Parameter agentNode: The node of instances that name none.
    init(catalog: Catalog, agentNode: String) {
        self.catalog = catalog
        state = Mutex(State(index: ConsulIndex(agentNode: agentNode)))
    }

    /// Calls `read` with the index as of now.
    func read<Value: Sendable>(_ read: (borrowing ConsulIndex) -> Value) -> Value {
        state.withLock { state in
            while let event = catalog.next(in: .all, after: &state.cursor) { state.index.follow(event) }
            return read(state.index)
        }
    }

    /// The instance that Consul knows as `serviceID` on `node`.
    func key(of identity: ConsulIdentity) -> InstanceKey? { read { $0.key(of: identity) } }

    /// The instances on a node, sorted by service and identifier.
    func instances(on node: String) -> [ServiceInstance] {
        read { $0.keys(on: node) }.sorted().compactMap(catalog.instance)
    }
}

/// What ``ConsulView`` has read of the catalog: a value without lock.
struct ConsulIndex: Sendable {
    private struct Entry {
        var identity: ConsulIdentity
        var tags: [String]
        /// Checks whose identifiers say nothing of their service.
        var namedChecks: Set<String>
    }

    /// A service as `/v1/catalog/services` shows it.
    private struct Listed {
        var name: String
        var count = 0
        var tags: [String: Int] = [:]
    }

    private let agentNode: String
    private var entries: [InstanceKey: Entry] = [:]
    private var byIdentity: [ConsulIdentity: InstanceKey] = [:]
    private var byNode: [String: Set<InstanceKey>] = [:]
    private var byCheck: [String: InstanceKey] = [:]
    private var listed: [ServiceName: Listed] = [:]
    /// The revision at which a service or a tag came or went.
    private(set) var servicesRevision = Revision.zero
    /// The revision of the last change of any instance.
    private(set) var revision = Revision.zero
    /// The revision at which an instance came to a node or left it.
    private(set) var nodesRevision = Revision.zero

    init(agentNode: String) {
        self.agentNode = agentNode
    }

    mutating func follow(_ event: WatchEvent) {
        switch event {
        case .engine: break
        case .snapshot(let snapshot):
            var fresh = ConsulIndex(agentNode: agentNode)
            for service in snapshot.services {
                for instance in service.instances { fresh.put(instance) }
            }
            fresh.servicesRevision = snapshot.revision
            fresh.nodesRevision = snapshot.revision
            fresh.revision = snapshot.revision
            self = fresh
        case .changes(let changes):
            for change in changes.changes {
                revision = change.revision
                if change.isRemoval {
                    remove(change.key, at: change.revision)
                } else {
                    put(change.instance)
                }
            }
        }
    }

    private mutating func put(_ instance: ServiceInstance) {
        let key = instance.key
        let registration = instance.registration
        let identity = ConsulIdentity(registration, agentNode: agentNode)
        let entry = Entry(
            identity: identity, tags: registration.tags, namedChecks: namedChecks(of: instance, identity))
        if let former = entries[key] {
            if former.identity != entry.identity || former.namedChecks != entry.namedChecks {
                unlink(key, former)
                link(key, entry, at: instance.revision)
            }
            retag(key, former.tags, entry.tags, at: instance.revision)
        } else {
            link(key, entry, at: instance.revision)
            if listed[key.service] == nil {
                listed[key.service] = Listed(name: key.service.value)
                servicesRevision = instance.revision
            }
            listed[key.service]?.count += 1
            retag(key, [], entry.tags, at: instance.revision)
        }
        entries[key] = entry
    }

    /// The identifiers that Consul's clients chose on the agent's own node: its agent has to find a check by them
    /// alone.
    private func namedChecks(of instance: ServiceInstance, _ identity: ConsulIdentity) -> Set<String> {
        guard identity.node == agentNode, instance.registration.shadows[ConsulShadow.name] != nil else { return [] }
        let prefix = ConsulCheckID.ofService(identity.serviceID)
        return Set(instance.checks.map(\.id).filter { !$0.hasPrefix(prefix) })
    }

    private mutating func remove(_ key: InstanceKey, at revision: Revision) {
        guard let entry = entries.removeValue(forKey: key) else { return }
        unlink(key, entry)
        nodesRevision = revision
        retag(key, entry.tags, [], at: revision)
        guard var service = listed[key.service] else { return }
        service.count -= 1
        listed[key.service] = service.count > 0 ? service : nil
        if service.count == 0 { servicesRevision = revision }
    }

    private mutating func link(_ key: InstanceKey, _ entry: Entry, at revision: Revision) {
        byIdentity[entry.identity] = key
        byNode[entry.identity.node, default: []].insert(key)
        for id in entry.namedChecks { byCheck[id] = key }
        nodesRevision = revision
    }

    private mutating func unlink(_ key: InstanceKey, _ entry: Entry) {
        if byIdentity[entry.identity] == key { byIdentity[entry.identity] = nil }
        byNode[entry.identity.node]?.remove(key)
        if byNode[entry.identity.node]?.isEmpty ?? false { byNode[entry.identity.node] = nil }
        for id in entry.namedChecks where byCheck[id] == key { byCheck[id] = nil }
    }

    private mutating func retag(_ key: InstanceKey, _ old: [String], _ new: [String], at revision: Revision) {
        guard old != new else { return }
        for tag in Set(new) {
            if listed[key.service]?.tags[tag] == nil { servicesRevision = revision }
            listed[key.service]?.tags[tag, default: 0] += 1
        }
        for tag in Set(old) {
            guard let count = listed[key.service]?.tags[tag] else { continue }
            listed[key.service]?.tags[tag] = count > 1 ? count - 1 : nil
            if count == 1 { servicesRevision = revision }
        }
    }

    // MARK: Reading

    func key(of identity: ConsulIdentity) -> InstanceKey? { byIdentity[identity] }

    func keys(on node: String) -> Set<InstanceKey> { byNode[node] ?? [] }

    /// The nodes that instances are on.
    var nodes: [String] { Array(byNode.keys) }

    /// The instance with a check of this identifier, if it is one that a caller has chosen.
    func key(ofCheck id: String) -> InstanceKey? { byCheck[id] }

    /// All services with the union of their tags, sorted.
    var services: [(name: String, tags: [String])] {
        listed.values.map { ($0.name, $0.tags.keys.sorted()) }.sorted { $0.name < $1.name }
    }
}
