// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How the server looks to Consul's clients.
public struct ConsulConfiguration: Sendable, Hashable {
    /// Whether `/v1/…` is answered.
    public var isEnabled = true
    /// The only datacenter there is.
    public var datacenter = "dc1"
    /// The name of the agent's own node: that of every instance that names no node.
    public var nodeName = "rollcall"
    /// The address of the agent's own node: that of instances that were registered without one.
    public var nodeAddress = "127.0.0.1"
    /// The version of Consul that clients are told: some decide by it what they ask for.
    public var version = "1.20.0"
    /// The port that the servers of a real Consul talk to each other on. Nothing listens there; clients show it.
    public var serverPort: UInt16 = 8300
    /// Bytes of a value in the KV store.
    public var valueBytesMax = 512 * 1024

    /// The defaults, to be changed property by property.
    public init() {}
}
