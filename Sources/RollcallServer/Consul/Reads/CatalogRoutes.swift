// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension ConsulAPI {
    static let catalogRoutes = [
        ConsulRoute("GET", path: "/v1/catalog/services", ConsulAPI.catalogServices),
        ConsulRoute("GET", path: "/v1/catalog/service/", ConsulAPI.catalogService),
        ConsulRoute("GET", path: "/v1/catalog/nodes", ConsulAPI.catalogNodes),
        ConsulRoute("GET", path: "/v1/catalog/node/", ConsulAPI.catalogNode),
        ConsulRoute("GET", path: "/v1/catalog/node-services/", ConsulAPI.catalogNodeServices),
    ]

    private func catalogServices(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let filter = try RowFilter<FlatEntry>(options.filter, .catalogServices)
        let isNarrowed = !options.nodeMeta.isEmpty || !options.filter.isEmpty
        // Only a service or a tag that comes or goes changes this answer, unless it is narrowed by more than names.
        return try await block(request, options, waking: allSources) { () throws(ConsulError) in
            let index = isNarrowed ? tableIndex : max(view.read(\.servicesRevision).value, 1)
            return BlockingQuery.Reading(index: index) { [self] () throws(ConsulError) in
                var tags: [String: Set<String>] = isNarrowed ? [:] : ["consul": []]
                if isNarrowed {
                    let entries = registry.catalog.snapshots().services.flatMap { $0.instances.map(entry) }
                    for entry in entries + [ownEntry].compactMap(\.self)
                    where entry.matches(nodeMeta: options.nodeMeta) && filter.matches(entry.flat) {
                        tags[entry.service.name, default: []].formUnion(entry.service.tags)
                    }
                } else {
                    for service in view.read(\.services) { tags[service.name, default: []].formUnion(service.tags) }
                }
                return .json(capacity: 64 + tags.count * 48) { writer in
                    writer.beginObject()
                    for (name, tags) in tags.sorted(by: { $0.key < $1.key }) {
                        writer.key(name)
                        writer.texts(tags.sorted())
                    }
                    writer.endObject()
                }
            }
        }
    }

    private func catalogService(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let name = try request.rest(orMissing: "Missing service name")
        let tags = request.query.values(of: "tag")
        let filter = try RowFilter<FlatEntry>(options.filter, .catalogServices)
        return try await block(request, options, waking: sources(of: ServiceName(name))) { () throws(ConsulError) in
            let (index, entries) = entries(of: name)
            return BlockingQuery.Reading(index: index) { () throws(ConsulError) in
                let shown = entries.filter {
                    $0.matches(tags: tags) && $0.matches(nodeMeta: options.nodeMeta)
                        && filter.matches($0.flat)
                }
                return .json(capacity: 64 + shown.count * 800) { writer in
                    writer.array(shown) { $0.service.writeServiceNode(of: $0.node, to: &$1) }
                }
            }
        }
    }

    private func catalogNodes(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let filter = try RowFilter<ConsulNode>(options.filter, .nodes)
        return try await block(request, options, waking: allSources) { () throws(ConsulError) in
            let index = max(view.read(\.nodesRevision), nodes.revision).value
            return BlockingQuery.Reading(index: index) { [self] () throws(ConsulError) in
                let shown = allNodes().filter { $0.matches(nodeMeta: options.nodeMeta) && filter.matches($0) }
                return .json(capacity: 64 + shown.count * 384) { writer in
                    writer.array(shown) { $0.write(to: &$1) }
                }
            }
        }
    }

    private func catalogNode(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let name = try request.rest(orMissing: "Missing node name")
        let filter = try RowFilter<ConsulService>(options.filter, .nodeServices)
        return try await block(request, options, waking: allSources) { () throws(ConsulError) in
            let node = foundNode(name)
            return BlockingQuery.Reading(index: node == nil ? 1 : tableIndex) { [self] () throws(ConsulError) in
                guard let node else { return .json(Array("null\n".utf8)) }
                return .json(capacity: 1024) { writer in
                    writer.beginObject()
                    writer.key("Node")
                    node.write(to: &writer)
                    writer.key("Services")
                    writer.beginObject()
                    for entry in entries(on: node) where filter.matches(entry.service) {
                        writer.key(entry.service.id)
                        entry.service.writeNodeService(to: &writer)
                    }
                    writer.endObject()
                    writer.endObject()
                }
            }
        }
    }

    private func catalogNodeServices(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let name = try request.rest(orMissing: "Missing node name")
        let filter = try RowFilter<ConsulService>(options.filter, .nodeServices)
        return try await block(request, options, waking: allSources) { () throws(ConsulError) in
            let node = foundNode(name)
            return BlockingQuery.Reading(index: node == nil ? 1 : tableIndex) { [self] () throws(ConsulError) in
                .json(capacity: 1024) { writer in
                    writer.beginObject()
                    writer.key("Node")
                    if let node { node.write(to: &writer) } else { writer.null() }
                    writer.key("Services")
                    if let node {
                        writer.array(entries(on: node).filter { filter.matches($0.service) }) {
                            $0.service.writeNodeService(to: &$1)
                        }
                    } else {
                        writer.null()
                    }
                    writer.endObject()
                }
            }
        }
    }

    /// The node of this name, or with this UUID or the only one that begins with it.
    private func foundNode(_ text: String) -> ConsulNode? {
        if let node = node(named: text) { return node }
        guard text.utf8.count >= 2 else { return nil }
        let found = nodes.all.filter { !$0.id.isEmpty && $0.id.hasPrefix(text.lowercased()) }
        return found.count == 1 ? found.first : nil
    }
}
