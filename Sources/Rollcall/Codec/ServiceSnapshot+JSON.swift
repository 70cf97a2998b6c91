// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension ServiceSnapshot {
    /// Reads `{"service", "revision", "instances": […]}`. Fields that are not known are read over.
    public static func read(from reader: inout JSONReader) throws(JSONError) -> ServiceSnapshot {
        var name: String?
        var revision: UInt64?
        var instances: [ServiceInstance] = []
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "service": name = try reader.string()
            case "revision": revision = try reader.integer(as: UInt64.self)
            case "instances":
                try reader.array { reader throws(JSONError) in instances.append(try ServiceInstance(from: &reader)) }
            default: try reader.skip()
            }
        }
        guard let name, let revision else { throw reader.failure("expected a service with its revision") }
        let service = ServiceName(name)
        if let stranger = instances.first(where: { $0.service != service }) {
            throw reader.failure("the instance \(stranger.key) is not one of \(service)")
        }
        return ServiceSnapshot(service: service, revision: Revision(revision), instances: instances)
    }

    /// Writes what ``read(from:)`` reads.
    ///
    /// - Parameter includingShadows: Whether fields that only one dialect knows are written too.
    public func write(to writer: inout JSONWriter, includingShadows: Bool = false) {
        writer.beginObject()
        writer.field("service", service.value)
        writer.field("revision", revision.value)
        writer.key("instances")
        writer.beginArray()
        for instance in instances { instance.write(to: &writer, includingShadows: includingShadows) }
        writer.endArray()
        writer.endObject()
    }
}
