// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// JSON for programs: one value a line, in the shapes of the native API.
enum JSONText {
    static func instance(_ instance: ServiceInstance) -> String { line(instance.jsonBytes()) }

    static func services(_ services: [ServiceSummary]) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("services")
        writer.beginArray()
        for service in services {
            writer.beginObject()
            writer.field("service", service.service.value)
            writer.field("instances", service.instances)
            writer.field("healthy", service.healthy)
            writer.key("tags")
            writer.beginArray()
            for tag in service.tags { writer.string(tag) }
            writer.endArray()
            writer.field("revision", service.revision.value)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return line(writer.bytes)
    }

    static func instances(_ instances: [ServiceInstance], of snapshot: ServiceSnapshot) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("service", snapshot.service.value)
        writer.field("revision", snapshot.revision.value)
        writer.key("instances")
        writer.beginArray()
        for instance in instances { instance.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        return line(writer.bytes)
    }

    /// An object with the identity of an instance and what was done to it.
    static func done(_ action: String, _ key: InstanceKey) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.field("service", key.service.value)
        writer.field("id", key.id.value)
        writer.field("outcome", action)
        writer.endObject()
        return line(writer.bytes)
    }

    static func line(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) + "\n" }
}
