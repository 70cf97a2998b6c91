// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall
internal import Synchronization

/// The DNS of a server, for as long as the server serves.
struct DNSServing: Sendable {
    private let configuration: DNSConfiguration
    private let dialect: DNSDialect
    private let metrics: DNSMetrics

    /// - Parameter consul: Its nodes and prepared queries are those of the DNS.
    /// - Returns: `nil` when the configuration does without DNS.
    init?(
        catalog: Catalog, consul: ConsulAPI?, configuration: ServerConfiguration, answers: DerivedBudget,
        time: TimeSource, metrics: DNSMetrics
    ) {
        guard configuration.dns.isEnabled else { return nil }
        let nodes = consul?.nodes ?? ConsulNodes(configuration: configuration.consul, revision: catalog.revision)
        self.configuration = configuration.dns
        self.metrics = metrics
        dialect = DNSDialect(
            catalog: catalog, view: CatalogDNSView(catalog: catalog, nodes: nodes),
            queries: consul.map { ConsulPreparedQueries(api: $0) }, configuration: configuration.dns,
            consul: configuration.consul, answers: answers, time: time)
    }

    /// Runs `body`, which is to call what it is given when its own address is taken: then queries are answered, until
    /// it ends.
    func serve(
        on group: any EventLoopGroup, onListening: @escaping @Sendable (SocketAddress) -> Void,
        _ body: (_ open: @escaping @Sendable () async throws -> Void) async throws -> Void
    ) async throws {
        let listener = DNSListener(configuration: configuration, dialect: dialect, metrics: metrics, group: group)
        let sockets = Mutex<DNSListener.Sockets?>(nil)
        let result: Result<Void, any Error>
        do {
            try await body {
                let open = try await listener.open()
                sockets.withLock { $0 = open }
                if let address = open.address { onListening(address) }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await sockets.withLock { $0 }?.close()
        try result.get()
    }
}
