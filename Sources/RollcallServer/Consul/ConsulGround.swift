// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What every part of Consul's dialect stands on: the registry, and how it looks to Consul's clients.
final class ConsulGround: Sendable {
    let registry: any CatalogRegistry
    let configuration: ConsulConfiguration
    let view: ConsulView
    let nodes: ConsulNodes

    init(registry: any CatalogRegistry, configuration: ConsulConfiguration) {
        self.registry = registry
        self.configuration = configuration
        view = ConsulView(catalog: registry.catalog, agentNode: configuration.nodeName)
        nodes = ConsulNodes(
            configuration: configuration, records: registry.records, revision: registry.catalog.revision)
    }

    var agentNode: String { configuration.nodeName }
}
