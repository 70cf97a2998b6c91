// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// What Consul knows of an instance and the model does not: kept with its registration, as JSON, for this dialect
/// alone.
struct ConsulShadow: Sendable, Hashable {
    /// The name under which a registration keeps it.
    static let name = "consul"

    /// What Consul knows of a check beyond its definition and result.
    struct Check: Sendable, Hashable {
        var notes = ""
        /// Consul's word for the kind; empty for a check that the catalog was given.
        var type = ""
        /// The name of a check that the registration does not declare.
        var name = ""
        /// The agent's own list shows intervals of checks that were registered by themselves.
        var isStandalone = false
        /// The `Definition` of a check that the catalog was given.
        var definition: [UInt8]?
        /// As given, where the model holds something else or nothing: `FailuresBeforeWarning`, `OutputMaxSize`,
        /// `AliasService`, …
        var rest: [JSONMember] = []
    }

    /// As given, when it is not the instance's host: empty means the node's.
    var address: String?
    /// As given, when the model cannot hold it.
    var port: Int?
    /// As given, when the model cannot hold them: empty or repeated ones.
    var tags: [String]?
    var passingWeight: Int?
    var warningWeight = 1
    var taggedAddresses: [String: ConsulAddress] = [:]
    var enableTagOverride = false
    var kind = ""
    var socketPath = ""
    /// By the identifier of the check.
    var checks: [String: Check] = [:]
}

// MARK: - JSON

extension ConsulShadow {
    /// The shadow that a registration keeps; an empty one when there is none. What cannot be read is as if it were not
    /// there: it was written by this type.
    init(_ registration: Registration) {
        guard let bytes = registration.shadows[Self.name], let json = try? JSONValue.parse(bytes) else { return }
        address = json["address"]?.stringValue
        port = json["port"]?.intValue.map { Int($0) }
        tags = json["tags"]?.arrayValue?.compactMap(\.stringValue)
        passingWeight = json["passingWeight"]?.intValue.map { Int($0) }
        warningWeight = json["warningWeight"]?.intValue.map { Int($0) } ?? 1
        enableTagOverride = json["enableTagOverride"]?.boolValue ?? false
        kind = json["kind"]?.stringValue ?? ""
        socketPath = json["socketPath"]?.stringValue ?? ""
        for member in json["taggedAddresses"]?.objectValue ?? [] {
            taggedAddresses[member.key] = ConsulAddress(
                address: member.value["address"]?.stringValue ?? "", port: Int(member.value["port"]?.intValue ?? 0))
        }
        for member in json["checks"]?.objectValue ?? [] { checks[member.key] = Check(member.value) }
    }

    /// The bytes to keep.
    var json: [UInt8] {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        if let address { writer.field("address", address) }
        if let port { writer.field("port", port) }
        if let tags {
            writer.key("tags")
            writer.texts(tags)
        }
        if let passingWeight { writer.field("passingWeight", passingWeight) }
        if warningWeight != 1 { writer.field("warningWeight", warningWeight) }
        if enableTagOverride { writer.field("enableTagOverride", true) }
        if !kind.isEmpty { writer.field("kind", kind) }
        if !socketPath.isEmpty { writer.field("socketPath", socketPath) }
        if !taggedAddresses.isEmpty {
            writer.key("taggedAddresses")
            writer.beginObject()
            for (name, address) in taggedAddresses.sorted(by: { $0.key < $1.key }) {
                writer.key(name)
                writer.beginObject()
                writer.field("address", address.address)
                writer.field("port", address.port)
                writer.endObject()
            }
            writer.endObject()
        }
        if !checks.isEmpty {
            writer.key("checks")
            writer.beginObject()
            for (id, check) in checks.sorted(by: { $0.key < $1.key }) {
                writer.key(id)
                check.write(to: &writer)
            }
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }
}

extension ConsulShadow.Check {
    init(_ json: JSONValue) {
        notes = json["notes"]?.stringValue ?? ""
        type = json["type"]?.stringValue ?? ""
        name = json["name"]?.stringValue ?? ""
        isStandalone = json["standalone"]?.boolValue ?? false
        if let definition = json["definition"] {
            var writer = JSONWriter()
            definition.write(to: &writer)
            self.definition = writer.bytes
        }
        rest = json["rest"]?.objectValue ?? []
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        if !notes.isEmpty { writer.field("notes", notes) }
        if !type.isEmpty { writer.field("type", type) }
        if !name.isEmpty { writer.field("name", name) }
        if isStandalone { writer.field("standalone", true) }
        if let definition {
            writer.key("definition")
            writer.raw(definition)
        }
        if !rest.isEmpty {
            writer.key("rest")
            JSONValue.object(rest).write(to: &writer)
        }
        writer.endObject()
    }
}
