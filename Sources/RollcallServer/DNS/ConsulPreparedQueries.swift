// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Rollcall
internal import RollcallConsul

/// The prepared queries of Consul's API, under their names and identifiers in the DNS.
struct ConsulPreparedQueries: DNSPreparedQueries {
    let api: ConsulAPI

    func execute(_ name: String) -> DNSQueryResult? {
        guard let queries = try? api.keyValues().state,
            // Names of the DNS mean the same in any case; Consul looks for them in lower case.
            let query = queries.resolveQuery(name) ?? queries.resolveQuery(name.lowercased())
        else { return nil }
        let endpoints = api.entries(of: query.service).entries.filter(query.matches).map(DNSEndpoint.init)
        return DNSQueryResult(
            service: ServiceName(query.service), endpoints: endpoints,
            ttl: query.ttl.isEmpty ? nil : try? GoDuration.parse(query.ttl))
    }
}

extension DNSEndpoint {
    /// A row of Consul's catalog.
    fileprivate init(_ entry: ConsulEntry) {
        let worst = entry.checks.lazy.map(\.status).max() ?? .passing
        let service = entry.service
        self.init(
            node: DNSNode(entry.node), address: service.address.isEmpty ? nil : service.address,
            port: UInt16(clamping: service.port),
            weight: UInt16(clamping: worst == .warning ? service.warningWeight : service.passingWeight))
    }
}
