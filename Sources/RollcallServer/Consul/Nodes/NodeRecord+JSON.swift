// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension NodeRecord {
    /// Reads what ``json`` wrote.
    init(json bytes: [UInt8], datacenter: String) throws(JSONError) {
        let json = try JSONValue.parse(bytes)
        var node = ConsulNode(
            id: json["id"]?.stringValue ?? "", name: json["name"]?.stringValue ?? "",
            address: json["address"]?.stringValue ?? "", datacenter: datacenter,
            taggedAddresses: json["taggedAddresses"]?.textMap, meta: json["meta"]?.textMap,
            createIndex: json["createIndex"]?.index ?? 1, modifyIndex: json["modifyIndex"]?.index ?? 1)
        node.changeIndex = json["changeIndex"]?.index ?? node.modifyIndex
        node.checks = (json["checks"]?.arrayValue ?? []).map { ConsulCheck(node: node.name, json: $0) }
        self.init(node: node)
        guard let agent = json["agent"] else { return }
        var writer = JSONWriter(capacity: 512)
        agent.write(to: &writer)
        self.agent = try ServiceInstance(json: writer.bytes)
    }

    /// The bytes to keep.
    var json: [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.field("id", node.id)
        writer.field("name", node.name)
        writer.field("address", node.address)
        if let addresses = node.taggedAddresses {
            writer.key("taggedAddresses")
            writer.texts(addresses)
        }
        if let meta = node.meta {
            writer.key("meta")
            writer.texts(meta)
        }
        writer.field("createIndex", node.createIndex)
        writer.field("modifyIndex", node.modifyIndex)
        writer.field("changeIndex", node.changeIndex)
        writer.key("checks")
        writer.array(node.checks) { $0.writeRecord(to: &$1) }
        if let agent {
            writer.key("agent")
            agent.write(to: &writer, includingShadows: true)
        }
        writer.endObject()
        return writer.bytes
    }
}

extension ConsulCheck {
    fileprivate init(node: String, json: JSONValue) {
        self.init(
            node: node, id: json["id"]?.stringValue ?? "", name: json["name"]?.stringValue ?? "",
            status: json["status"]?.stringValue.flatMap(HealthCheck.Status.init) ?? .critical,
            notes: json["notes"]?.stringValue ?? "", output: json["output"]?.stringValue ?? "",
            type: json["type"]?.stringValue ?? "", createIndex: json["createIndex"]?.index ?? 1,
            modifyIndex: json["modifyIndex"]?.index ?? 1)
        guard let definition = json["definition"] else { return }
        var writer = JSONWriter()
        definition.write(to: &writer)
        self.definition = writer.bytes
    }

    fileprivate func writeRecord(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("id", id)
        writer.field("name", name)
        writer.field("status", status.rawValue)
        writer.field("notes", notes)
        writer.field("output", output)
        writer.field("type", type)
        if let definition {
            writer.key("definition")
            writer.raw(definition)
        }
        writer.field("createIndex", createIndex)
        writer.field("modifyIndex", modifyIndex)
        writer.endObject()
    }
}

extension JSONValue {
    fileprivate var textMap: [String: String]? {
        objectValue.map { members in
            Dictionary(members.map { ($0.key, $0.value.stringValue ?? "") }) { $1 }
        }
    }

    fileprivate var index: UInt64? { intValue.flatMap { UInt64(exactly: $0) } }
}
