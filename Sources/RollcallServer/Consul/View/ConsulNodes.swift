// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul
internal import Synchronization

/// The nodes that were registered, and the agent's own. They are records of the registry: durable as its instances are,
/// and counted by the same revisions.
///
/// A node that is only named by instances is not here: it comes and goes with them.
final class ConsulNodes: Sendable {
    fileprivate struct Entry {
        var record: NodeRecord
        var shown: ConsulNode
    }

    fileprivate struct State {
        var nodes: [String: Entry] = [:]
        var revision: Revision
    }

    private let state: Mutex<State>
    private let waiting = WakeList()
    private let records: (any RecordStore)?
    private let turns = TurnQueue<String>()
    let agentNode: String
    private let isOwnRecorded: Bool

    static let space = "consul.node"

    /// - Parameters:
    ///   - records: Where nodes are kept; `nil` keeps them in memory.
    ///   - revision: At which the agent's own node begins when it was not recorded.
    init(configuration: ConsulConfiguration, records: (any RecordStore)? = nil, revision: Revision) {
        agentNode = configuration.nodeName
        self.records = records
        var state = State(revision: revision)
        for record in records?.records(in: Self.space) ?? [] {
            // What cannot be read was not written by this type; the node can be registered again.
            guard let node = try? NodeRecord(json: record.body, datacenter: configuration.datacenter) else { continue }
            state.put(node, agentNode: agentNode)
        }
        let known = state.nodes[agentNode]?.record
        let own = ConsulNode.own(configuration, known: known?.node, revision: revision)
        isOwnRecorded = own == known?.node
        state.put(NodeRecord(node: own, agent: known?.agent), agentNode: agentNode)
        self.state = Mutex(state)
    }

    subscript(name: String) -> ConsulNode? { state.withLock { $0.nodes[name]?.shown } }

    func record(_ name: String) -> NodeRecord? { state.withLock { $0.nodes[name]?.record } }

    var all: [ConsulNode] { state.withLock { $0.nodes.values.map(\.shown) } }

    /// The revision of the last change of any node.
    var revision: Revision { state.withLock { $0.revision } }

    /// Records the agent's own node, so that it keeps its identifier.
    func recordOwn() async throws(ConsulError) {
        guard !isOwnRecorded else { return }
        try await turns.withTurn(of: agentNode) { () throws(ConsulError) in
            guard let own = record(agentNode) else { return }
            try await write(agentNode, own, after: own)
        }
    }

    /// Changes what is kept of a node, or that it is kept, durably. A change that changes nothing writes nothing.
    ///
    /// - Parameters:
    ///   - wakes: Whether who waits is woken; otherwise ``wake()`` is to be called soon.
    ///   - edit: Gets what is kept, `nil` when nothing is.
    func change(_ name: String, wakes: Bool = true, _ edit: (inout NodeRecord?) -> Void) async throws(ConsulError) {
        try await turns.withTurn(of: name) { () throws(ConsulError) in
            let former = record(name)
            var next = former
            edit(&next)
            guard next != former else { return }
            try await write(name, next, after: former)
            if wakes { wake() }
        }
    }

    private func write(_ name: String, _ next: NodeRecord?, after former: NodeRecord?) async throws(ConsulError) {
        let key = RecordKey(space: Self.space, name: name)
        var revision = self.revision.next
        if let records {
            revision = try await consulCaught { () throws(RegistryError) in
                try await records.commit(revisions: 1) { revision in
                    [RecordWrite(key: key, body: next?.stamped(after: former, at: revision).json)]
                }
            }
        }
        let stamped = next?.stamped(after: former, at: revision)
        state.withLock { state in
            state.nodes[name] = nil
            if let stamped { state.put(stamped, agentNode: agentNode) }
            state.revision = max(state.revision, revision)
        }
    }

    /// Wakes those who wait for a change of any node.
    func wake() { waiting.wakeAll() }
}

extension ConsulNodes.State {
    fileprivate mutating func put(_ record: NodeRecord, agentNode: String) {
        let name = record.node.name
        nodes[name] = ConsulNodes.Entry(record: record, shown: record.shown(isOwn: name == agentNode))
        revision = max(revision, Revision(record.node.changeIndex))
    }
}

extension ConsulNode {
    /// The node of the agent itself.
    ///
    /// - Parameter known: What was recorded of it.
    fileprivate static func own(_ configuration: ConsulConfiguration, known: ConsulNode?, revision: Revision)
        -> ConsulNode
    {
        let index = max(1, revision.value)
        var own = ConsulNode(
            id: known?.id ?? "", name: configuration.nodeName, address: configuration.nodeAddress,
            datacenter: configuration.datacenter, meta: ["consul-network-segment": ""],
            createIndex: known?.createIndex ?? index, modifyIndex: index, checks: known?.checks ?? [])
        if own.id.isEmpty { own.id = ConsulUUID.random() }
        own.taggedAddresses = ["lan": own.address, "wan": own.address]
        if let family = IPFamily(own.address) {
            own.taggedAddresses?["lan_\(family)"] = own.address
            own.taggedAddresses?["wan_\(family)"] = own.address
        }
        guard let known else { return own }
        own.modifyIndex = known.modifyIndex
        own.changeIndex = known.changeIndex
        if own != known {
            own.modifyIndex = index
            own.changeIndex = index
        }
        return own
    }
}

extension ConsulNodes: ConsulWakeSource {
    func observe(_ wake: @escaping @Sendable () -> Void) -> any Sendable { waiting.observe(wake) }
}

/// Wakes for the changes of one service or of all.
struct CatalogWakeSource: ConsulWakeSource {
    let catalog: Catalog
    let scope: WatchScope

    func observe(_ wake: @escaping @Sendable () -> Void) -> any Sendable { catalog.observe(scope, wake) }
}
