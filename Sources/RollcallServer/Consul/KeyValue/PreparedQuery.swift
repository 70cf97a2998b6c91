// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// A query for a service that was stored under a name. Lists that were not given are `nil`: they are shown as null.
struct PreparedQuery: Sendable, Hashable {
    struct Template: Sendable, Hashable {
        /// `name_prefix_match`, or empty for a query that is no template.
        var type = ""
        var regexp = ""
        var removeEmptyTags = false
    }

    var id: String
    var name = ""
    /// The session that it ends with; empty for none.
    var session = ""
    var token = ""
    var template = Template()
    var service = ""
    var failoverNearest: Int64 = 0
    var failoverDatacenters: [String]?
    /// Whether instances with a check that warns are left out.
    var onlyPassing = false
    /// Checks that do not count.
    var ignoredChecks: [String]?
    var near = ""
    /// All of which an instance has to have; with `!` before it, must not have.
    var tags: [String]?
    var nodeMeta: [JSONMember]?
    var serviceMeta: [JSONMember]?
    var connect = false
    /// The TTL of DNS answers, as it was given.
    var ttl = ""
    var createIndex: UInt64 = 0
    var modifyIndex: UInt64 = 0

    /// The wire form; also what is stored.
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("ID", id)
        writer.field("Name", name)
        writer.field("Session", session)
        writer.field("Token", token)
        writer.key("Template")
        writer.beginObject()
        writer.field("Type", template.type)
        writer.field("Regexp", template.regexp)
        writer.field("RemoveEmptyTags", template.removeEmptyTags)
        writer.endObject()
        writer.key("Service")
        writeService(to: &writer)
        writer.key("DNS")
        writeDNS(to: &writer)
        writer.field("CreateIndex", createIndex)
        writer.field("ModifyIndex", modifyIndex)
        writer.endObject()
    }

    func writeDNS(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("TTL", ttl)
        writer.endObject()
    }

    private func writeService(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("Service", service)
        writer.key("Failover")
        writer.beginObject()
        writer.field("NearestN", failoverNearest)
        writeList("Datacenters", failoverDatacenters, to: &writer)
        writer.endObject()
        writer.field("OnlyPassing", onlyPassing)
        writeList("IgnoreCheckIDs", ignoredChecks, to: &writer)
        writer.field("Near", near)
        writeList("Tags", tags, to: &writer)
        writer.key("NodeMeta")
        (nodeMeta.map(JSONValue.object) ?? .null).write(to: &writer)
        writer.key("ServiceMeta")
        (serviceMeta.map(JSONValue.object) ?? .null).write(to: &writer)
        writer.field("Connect", connect)
        writer.endObject()
    }

    private func writeList(_ name: StaticString, _ list: [String]?, to writer: inout JSONWriter) {
        writer.key(name)
        guard let list else {
            writer.null()
            return
        }
        writer.beginArray()
        for text in list { writer.string(text) }
        writer.endArray()
    }
}
