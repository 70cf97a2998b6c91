// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall
public import RollcallTransport

/// How a ``ConsulRegistry`` speaks to Consul, and how patient it is.
public struct ConsulRegistryConfiguration: Sendable, Hashable {
    /// The ACL token, if Consul asks for one.
    public var token: String?
    /// The datacenter to look services up in; `nil` is the agent's own. Registrations are always made in the agent's.
    public var datacenter: String?
    /// How long a connection may take to come up.
    public var connectTimeout: Duration = .seconds(1)
    /// How long one agent may take to answer before the next is asked.
    public var attemptTimeout: Duration = .seconds(3)
    /// How long a call may take in all, with every repetition, and how long a write waits to be seen in the catalog.
    public var callTimeout: Duration = .seconds(10)
    /// The pauses of a call between two rounds over all agents.
    public var callBackoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2))
    /// The pauses of a watch after failures.
    public var watchBackoff = Backoff(initial: .milliseconds(200), maximum: .seconds(15))
    /// How long one blocking query waits for a change. Consul lengthens it by up to a sixteenth.
    public var blockingWait: Duration = .seconds(60)
    /// The shortest time from one blocking query to the next of the same service: a service that changes without end
    /// is read this often, and its changes are told together.
    public var watchInterval: Duration = .milliseconds(20)
    /// Blocking queries of one watch. Consul lets a client have 200 connections (`http_max_conns_per_client`); what a
    /// watch follows beyond this many is polled.
    public var blockingQueries = 100
    /// How often services beyond ``blockingQueries`` are polled.
    public var pollInterval: Duration = .seconds(15)
    /// Calls of one operation that are under way together: the services of a list, the heartbeats of a batch.
    public var parallelCalls = 16
    /// Bytes of one answer.
    public var answerBytes = 256 << 20
    /// Connections for calls to one agent.
    public var connectionsPerServer = 32
    /// Who vouches for agents that are spoken to over TLS.
    public var trust = ServerTrust.system

    /// The defaults, to be changed property by property.
    public init() {}
}
