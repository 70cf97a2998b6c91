// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall
public import RollcallTransport

/// How patient a ``RemoteRegistry`` is, and how much it takes in.
public struct RemoteConfiguration: Sendable, Hashable {
    /// How long a connection may take to come up.
    public var connectTimeout: Duration = .seconds(1)
    /// How long one server may take to answer before the next is asked. A durable write on a busy disk takes tens of
    /// milliseconds; a server that needs seconds is as good as gone.
    public var attemptTimeout: Duration = .seconds(3)
    /// How long a call may take in all, with every repetition.
    public var callTimeout: Duration = .seconds(10)
    /// The pauses of a call between two rounds over all servers.
    public var callBackoff = Backoff(initial: .milliseconds(50), maximum: .seconds(2))
    /// The pauses of a watch between two connections.
    public var watchBackoff = Backoff(initial: .milliseconds(200), maximum: .seconds(15))
    /// A watch that hears nothing for this long takes its connection for dead. A server sends a comment every 15 s:
    /// three in a row have to be lost.
    public var silenceLimit: Duration = .seconds(45)
    /// A connection that lasted this long was a good one: the back-off begins anew after it.
    public var stableAfter: Duration = .seconds(10)
    /// Bytes of one answer. A service with 100,000 instances takes about 60 MB.
    public var answerBytes = 256 << 20
    /// Bytes of one event of a watch: the snapshot of a service is one event.
    public var eventBytes = 256 << 20
    /// Changes that a watch tells together at most.
    public var changesPerEvent = 256
    /// Heartbeats in one request.
    public var heartbeatsPerRequest = 1000
    /// Connections for calls to one server.
    public var connectionsPerServer = 64
    /// Who vouches for servers that are spoken to over TLS.
    public var trust = ServerTrust.system

    /// The defaults, to be changed property by property.
    public init() {}
}
