// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// One instance with its node: an entry of `/v1/health/service/…` and of `/v1/catalog/service/…`.
struct ConsulEntry: Sendable {
    let node: ConsulNode
    let service: ConsulService
    /// Those of the node first.
    let checks: [ConsulCheck]

    /// Whether every check passes.
    var isPassing: Bool { checks.allSatisfy { $0.status == .passing } }

    /// Whether the node has all of these pairs.
    func matches(nodeMeta: [(key: String, value: String)]) -> Bool { node.matches(nodeMeta: nodeMeta) }

    /// Whether the service has all of these tags, whatever their case.
    func matches(tags: [String]) -> Bool {
        tags.allSatisfy { wanted in service.tags.contains { $0.lowercased() == wanted.lowercased() } }
    }

    /// Appends an entry of `/v1/health/service/…`.
    func writeHealth(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("Node")
        node.write(to: &writer)
        writer.key("Service")
        service.writeNodeService(to: &writer)
        writer.key("Checks")
        writer.beginArray()
        for check in checks { check.write(to: &writer) }
        writer.endArray()
        writer.endObject()
    }
}

extension ConsulNode {
    func matches(nodeMeta: [(key: String, value: String)]) -> Bool {
        nodeMeta.allSatisfy { meta?[$0.key] == $0.value }
    }
}

extension ConsulAPI {
    /// The service that a real Consul's servers register themselves as.
    static let ownService = ServiceName("consul")

    /// The instances of a service with their nodes, those last whose lease is in doubt; and the index of the list.
    func entries(of name: String) -> (index: UInt64, entries: [ConsulEntry]) {
        entries(of: registry.catalog.snapshot(of: ServiceName(name)))
    }

    func entries(of snapshot: ServiceSnapshot) -> (index: UInt64, entries: [ConsulEntry]) {
        var index = snapshot.revision.value
        var entries: [ConsulEntry] = []
        var doubtful: [ConsulEntry] = []
        for instance in snapshot.instances {
            let entry = entry(instance)
            index = max(index, entry.node.changeIndex)
            if instance.status == .suspect { doubtful.append(entry) } else { entries.append(entry) }
        }
        if snapshot.service == Self.ownService, let own = ownEntry {
            entries.append(own)
            index = max(index, own.node.changeIndex)
        }
        return (index, entries + doubtful)
    }

    func entry(_ instance: ServiceInstance) -> ConsulEntry {
        let node = node(of: instance)
        let projection = projection(instance)
        return ConsulEntry(node: node, service: projection.service, checks: node.checks + projection.checks)
    }

    /// The server itself, as one of Consul's servers.
    var ownEntry: ConsulEntry? {
        guard let node = nodes[agentNode] else { return nil }
        let service = ConsulService(
            id: "consul", name: "consul",
            meta: [
                "non_voter": "false", "raft_version": "3", "read_replica": "false", "serf_protocol_current": "2",
                "serf_protocol_max": "5", "serf_protocol_min": "1", "version": configuration.version,
            ], port: Int(configuration.serverPort), createIndex: node.createIndex, modifyIndex: node.createIndex)
        return ConsulEntry(node: node, service: service, checks: node.checks)
    }

    /// The services on a node with their checks, sorted by identifier.
    func entries(on node: ConsulNode) -> [ConsulEntry] {
        var entries = view.instances(on: node.name).map(entry)
        if node.name == agentNode, let own = ownEntry { entries.append(own) }
        return entries.sorted { $0.service.id < $1.service.id }
    }

    /// All checks of all nodes and services.
    func allChecks() -> [(check: ConsulCheck, node: ConsulNode)] {
        var all: [(ConsulCheck, ConsulNode)] = []
        for node in nodes.all {
            for check in node.checks { all.append((check, node)) }
        }
        for snapshot in registry.catalog.snapshots().services {
            for instance in snapshot.instances {
                let node = node(of: instance)
                for check in projection(instance).checks { all.append((check, node)) }
            }
        }
        return all.sorted { ($0.0.node, $0.0.id) < ($1.0.node, $1.0.id) }
    }

    // MARK: Waiting

    /// What wakes a query about one service.
    func sources(of service: ServiceName) -> [any ConsulWakeSource] {
        [CatalogWakeSource(catalog: registry.catalog, scope: .service(service)), nodes]
    }

    /// What wakes a query about everything.
    var allSources: [any ConsulWakeSource] { [CatalogWakeSource(catalog: registry.catalog, scope: .all), nodes] }

    /// The index of reads that any change concerns.
    var tableIndex: UInt64 { max(view.read(\.revision), nodes.revision).value }

    /// A blocking read of the catalog.
    func block(
        _ request: ConsulRequest, _ options: ConsulQueryOptions, waking sources: [any ConsulWakeSource],
        _ read: () throws(ConsulError) -> BlockingQuery.Reading
    ) async throws(ConsulError) -> ConsulAnswer {
        try await BlockingQuery.run(
            options, on: request.eventLoop, waking: sources, headers: { options.headers(index: $0) }, read)
    }

    func options(_ request: ConsulRequest) throws(ConsulError) -> ConsulQueryOptions {
        try ConsulQueryOptions(request.query, datacenter: configuration.datacenter)
    }
}
