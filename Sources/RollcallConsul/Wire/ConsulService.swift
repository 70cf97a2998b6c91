// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// An address with a port, under a name such as `lan` or `wan_ipv4`.
public struct ConsulAddress: Sendable, Hashable {
    /// A host name or an address.
    public var address: String
    /// 0 to 65535; 0 is unknown.
    public var port: Int

    /// An address as it is shown.
    public init(address: String, port: Int) {
        self.address = address
        self.port = port
    }
}

/// One instance of a service as Consul shows it.
public struct ConsulService: Sendable, Hashable {
    /// Unique on its node.
    public var id: String
    /// `Service`: what it is an instance of.
    public var name: String
    /// Empty for an ordinary service; else such as `connect-proxy`.
    public var kind: String
    /// In the order of the registration.
    public var tags: [String]
    /// Empty means the node's.
    public var address: String
    /// By their names; empty when there are none.
    public var taggedAddresses: [String: ConsulAddress]
    /// The metadata of the instance.
    public var meta: [String: String]
    /// 0 to 65535; 0 is none.
    public var port: Int
    /// Of a Unix socket in place of address and port; empty for none.
    public var socketPath: String
    /// The share of traffic while all checks pass.
    public var passingWeight: Int
    /// The share of traffic while a check warns.
    public var warningWeight: Int
    /// Whether others than its agent may change its tags.
    public var enableTagOverride: Bool
    /// The index at which it came to be.
    public var createIndex: UInt64
    /// The index of its last change.
    public var modifyIndex: UInt64

    /// An instance; what is left out is as Consul fills it in.
    public init(
        id: String, name: String, kind: String = "", tags: [String] = [], address: String = "",
        taggedAddresses: [String: ConsulAddress] = [:], meta: [String: String] = [:], port: Int = 0,
        socketPath: String = "", passingWeight: Int = 1, warningWeight: Int = 1, enableTagOverride: Bool = false,
        createIndex: UInt64 = 0, modifyIndex: UInt64 = 0
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.tags = tags
        self.address = address
        self.taggedAddresses = taggedAddresses
        self.meta = meta
        self.port = port
        self.socketPath = socketPath
        self.passingWeight = passingWeight
        self.warningWeight = warningWeight
        self.enableTagOverride = enableTagOverride
        self.createIndex = createIndex
        self.modifyIndex = modifyIndex
    }

    /// Appends Consul's `NodeService`: the `Service` of a health entry and the values of `/v1/catalog/node/…`.
    public func writeNodeService(to writer: inout JSONWriter) {
        writer.beginObject()
        if !kind.isEmpty { writer.field("Kind", kind) }
        writer.field("ID", id)
        writer.field("Service", name)
        writer.key("Tags")
        writer.texts(tags)
        writer.field("Address", address)
        writeTaggedAddresses("TaggedAddresses", to: &writer)
        writer.key("Meta")
        writer.texts(meta.isEmpty ? nil : meta)
        if port != 0 { writer.field("Port", port) }
        if !socketPath.isEmpty { writer.field("SocketPath", socketPath) }
        writeWeights("Weights", to: &writer)
        writer.field("EnableTagOverride", enableTagOverride)
        writer.key("Proxy")
        writer.raw(Self.noProxy)
        writer.key("Connect")
        writer.raw(Self.noConnect)
        writeIndexes(to: &writer)
        writer.endObject()
    }

    /// Appends Consul's `AgentService`: what the agent's own endpoints show.
    ///
    /// - Parameter contentHash: Added where the endpoint has one.
    public func writeAgentService(datacenter: String, contentHash: String? = nil, to writer: inout JSONWriter) {
        writer.beginObject()
        if !kind.isEmpty { writer.field("Kind", kind) }
        writer.field("ID", id)
        writer.field("Service", name)
        writer.key("Tags")
        writer.texts(tags)
        writer.key("Meta")
        writer.texts(meta)
        writer.field("Port", port)
        writer.field("Address", address)
        if !socketPath.isEmpty { writer.field("SocketPath", socketPath) }
        writeTaggedAddresses("TaggedAddresses", to: &writer)
        writeWeights("Weights", to: &writer)
        writer.field("EnableTagOverride", enableTagOverride)
        if let contentHash { writer.field("ContentHash", contentHash) }
        writer.field("Datacenter", datacenter)
        writer.endObject()
    }

    /// Appends Consul's `ServiceNode`: an element of `/v1/catalog/service/…`.
    public func writeServiceNode(of node: ConsulNode, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("ID", node.id)
        writer.field("Node", node.name)
        writer.field("Address", node.address)
        writer.field("Datacenter", node.datacenter)
        writer.key("TaggedAddresses")
        writer.texts(node.taggedAddresses)
        writer.key("NodeMeta")
        writer.texts(node.meta ?? [:])
        writer.field("ServiceKind", kind)
        writer.field("ServiceID", id)
        writer.field("ServiceName", name)
        writer.key("ServiceTags")
        writer.texts(tags)
        writer.field("ServiceAddress", address)
        writeTaggedAddresses("ServiceTaggedAddresses", to: &writer)
        writeWeights("ServiceWeights", to: &writer)
        writer.key("ServiceMeta")
        writer.texts(meta)
        writer.field("ServicePort", port)
        writer.field("ServiceSocketPath", socketPath)
        writer.field("ServiceEnableTagOverride", enableTagOverride)
        writer.key("ServiceProxy")
        writer.raw(Self.noProxy)
        writer.key("ServiceConnect")
        writer.raw(Self.noConnect)
        writeIndexes(to: &writer)
        writer.endObject()
    }

    private func writeTaggedAddresses(_ key: StaticString, to writer: inout JSONWriter) {
        guard !taggedAddresses.isEmpty else { return }
        writer.key(key)
        writer.beginObject()
        for (name, address) in taggedAddresses.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            writer.beginObject()
            writer.field("Address", address.address)
            writer.field("Port", address.port)
            writer.endObject()
        }
        writer.endObject()
    }

    private func writeWeights(_ key: StaticString, to writer: inout JSONWriter) {
        writer.key(key)
        writer.beginObject()
        writer.field("Passing", passingWeight)
        writer.field("Warning", warningWeight)
        writer.endObject()
    }

    private func writeIndexes(to writer: inout JSONWriter) {
        writer.field("CreateIndex", createIndex)
        writer.field("ModifyIndex", modifyIndex)
    }

    private static let noProxy = Array(#"{"Mode":"","MeshGateway":{},"Expose":{}}"#.utf8)
    private static let noConnect = Array("{}".utf8)
}
