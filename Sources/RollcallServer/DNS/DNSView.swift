// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallDNS

/// A machine, as the DNS dialect names it.
struct DNSNode: Sendable, Hashable {
    /// The label in front of `node`.
    var name: String
    /// A host name or an address literal.
    var address: String
    /// Sent as TXT records; the order does not matter.
    var metadata: [String: String] = [:]
}

/// How an instance is reached, as the DNS dialect says it.
struct DNSEndpoint: Sendable, Hashable {
    /// The node that it runs on.
    var node: DNSNode
    /// Its own address; `nil` when that is its node's.
    var address: String?
    var port: UInt16
    /// As of the worst status of the instance and its node.
    var weight: UInt16
    /// The worst check of the node itself.
    var nodeHealth = HealthCheck.Status.passing
}

/// What the DNS dialect asks beside the catalog: nodes, and how instances are seen from there.
///
/// Called on event loops: it must not wait.
protocol DNSView: Sendable {
    /// Grows with each change of a node that can change an answer about a service. What was computed before is not used
    /// any more then.
    var revision: UInt64 { get }
    /// The node of the server itself.
    var ownNode: DNSNode { get }
    /// The node of this name, whatever its case.
    func node(named name: String) -> DNSNode?
    /// Whom an address belongs to.
    func owner(of address: IPAddress) -> DNSOwner?
    func endpoint(of instance: ServiceInstance) -> DNSEndpoint
}

enum DNSOwner: Sendable, Hashable {
    case node(String)
    case service(String)
}

/// Queries that were given a name beforehand (`name.query.consul`).
///
/// Called on event loops: it must not wait.
protocol DNSPreparedQueries: Sendable {
    /// What the query of this name or identifier finds now; `nil` when there is none.
    func execute(_ name: String) -> DNSQueryResult?
}

struct DNSQueryResult: Sendable {
    var service: ServiceName
    /// Those that may be answered with.
    var endpoints: [DNSEndpoint]
    /// `nil` for that of the service.
    var ttl: Duration?
}
