// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// A node as Consul's catalog knows it: a machine, with the checks of the machine itself.
public struct ConsulNode: Sendable, Hashable {
    /// A UUID; empty for a node that was registered without one.
    public var id: String
    /// `Node`, unique in the datacenter.
    public var name: String
    /// Where services without an address of their own are.
    public var address: String
    /// Such as `dc1`.
    public var datacenter: String
    /// `nil` is `null` on the wire.
    public var taggedAddresses: [String: String]?
    /// `nil` is `null` on the wire.
    public var meta: [String: String]?
    /// The index at which it came to be.
    public var createIndex: UInt64
    /// The index of its last change.
    public var modifyIndex: UInt64
    /// At which the node, or a check of it, last changed or went: it concerns all of its services.
    public var changeIndex: UInt64
    /// Those that concern the node and so all of its services.
    public var checks: [ConsulCheck]

    /// A node; what is left out is empty or `null` on the wire.
    public init(
        id: String = "", name: String, address: String, datacenter: String, taggedAddresses: [String: String]? = nil,
        meta: [String: String]? = nil, createIndex: UInt64 = 0, modifyIndex: UInt64 = 0,
        changeIndex: UInt64? = nil, checks: [ConsulCheck] = []
    ) {
        self.id = id
        self.name = name
        self.address = address
        self.datacenter = datacenter
        self.taggedAddresses = taggedAddresses
        self.meta = meta
        self.createIndex = createIndex
        self.modifyIndex = modifyIndex
        self.changeIndex = changeIndex ?? modifyIndex
        self.checks = checks
    }

    /// Appends Consul's `Node` object.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("ID", id)
        writer.field("Node", name)
        writer.field("Address", address)
        writer.field("Datacenter", datacenter)
        writer.key("TaggedAddresses")
        writer.texts(taggedAddresses)
        writer.key("Meta")
        writer.texts(meta)
        writer.field("CreateIndex", createIndex)
        writer.field("ModifyIndex", modifyIndex)
        writer.endObject()
    }
}

extension JSONWriter {
    /// Appends an object of texts, sorted by key; `null` for `nil`.
    public mutating func texts(_ values: [String: String]?) {
        guard let values else { return null() }
        beginObject()
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            self.key(key)
            string(value)
        }
        endObject()
    }

    /// Appends an array of texts.
    public mutating func texts(_ values: [String]) {
        beginArray()
        for value in values { string(value) }
        endArray()
    }
}
