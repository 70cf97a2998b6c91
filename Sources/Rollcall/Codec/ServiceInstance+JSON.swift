// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension ServiceInstance {
    /// Appends the instance as a JSON object, with what is derived from it (`status`, `endpoint`, `healthCheckURL`).
    /// Empty optional parts are left out.
    ///
    /// - Parameter includingShadows: Whether the parts that only one dialect defines are written too: for storage, not
    ///   for callers.
    public func write(to writer: inout JSONWriter, includingShadows: Bool = false) {
        let registration = registration
        writer.beginObject()
        writer.field("service", registration.service.value)
        writer.field("id", registration.id.value)
        writer.field("incarnation", incarnation.value)
        writer.field("status", status.rawValue)
        writer.field("endpoint", endpointURL)
        registration.writeFields(to: &writer)
        if let healthCheckURL { writer.field("healthCheckURL", healthCheckURL) }
        writeLease(to: &writer)
        writeState(to: &writer)
        writer.checks(registration.checks, checks)
        if includingShadows { registration.writeShadows(to: &writer) }
        writer.field("revision", revision.value)
        writer.field("registeredAt", registeredAt)
        writer.field("changedAt", changedAt)
        writer.endObject()
    }

    /// The instance as JSON.
    public func jsonBytes(includingShadows: Bool = false) -> [UInt8] {
        var writer = JSONWriter(capacity: 640)
        write(to: &writer, includingShadows: includingShadows)
        return writer.bytes
    }

    /// Reads what ``write(to:includingShadows:)`` wrote. Fields that this version does not know are ignored.
    public init(json bytes: [UInt8]) throws(JSONError) {
        self = try JSONReader.read(bytes) { reader throws(JSONError) in try ServiceInstance(from: &reader) }
    }

    /// Reads one instance, as ``init(json:)``.
    public init(from reader: inout JSONReader) throws(JSONError) {
        let document = try InstanceDocument(from: &reader, unknownFields: .ignored)
        guard let instance = document.instance() else {
            throw reader.failure("expected an instance with service, id, host, port, incarnation and revision")
        }
        self = instance
    }

    private func writeLease(to writer: inout JSONWriter) {
        writer.key("lease")
        writer.beginObject()
        writer.field("kind", lease.kind.rawValue)
        if lease.kind != .none {
            writer.field("ttlSeconds", lease.ttl)
            writer.field("evictAfterSeconds", lease.evictAfter)
            writer.field("state", leaseState.rawValue)
        }
        writer.endObject()
    }

    private func writeState(to writer: inout JSONWriter) {
        writer.key("state")
        desired.write(to: &writer)
    }
}

extension DesiredState {
    /// Appends `{"desired": …}` with the reason and the time if there are any.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("desired", name)
        if !reason.isEmpty { writer.field("reason", reason) }
        if case .draining(let until?, _) = self { writer.field("until", until) }
        writer.endObject()
    }
}

extension Registration {
    /// Appends the fields of an object that describes what the instance said, without its identity.
    public func writeFields(to writer: inout JSONWriter) {
        writer.field("host", host)
        writer.field("port", port)
        writer.field("secure", isSecure)
        if !namedPorts.isEmpty {
            writer.key("ports")
            writer.beginObject()
            for (name, port) in namedPorts.sorted(by: { $0.key < $1.key }) {
                writer.key(name)
                writer.integer(port)
            }
            writer.endObject()
        }
        if let healthCheck { writer.field("healthCheck", healthCheck) }
        writer.key("tags")
        writer.beginArray()
        for tag in tags { writer.string(tag) }
        writer.endArray()
        writer.key("metadata")
        writer.beginObject()
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            writer.key(key)
            writer.string(value)
        }
        writer.endObject()
        writer.field("weight", weight)
        if !locality.region.isEmpty { writer.field("region", locality.region) }
        if !locality.zone.isEmpty { writer.field("zone", locality.zone) }
        if !node.isEmpty { writer.field("node", node) }
        if !version.isEmpty { writer.field("version", version) }
        writer.field("readiness", readiness.rawValue)
    }

    func writeShadows(to writer: inout JSONWriter) {
        guard !shadows.isEmpty else { return }
        writer.key("shadows")
        writer.beginObject()
        for (dialect, json) in shadows.sorted(by: { $0.key < $1.key }) {
            writer.key(dialect)
            writer.raw(json)
        }
        writer.endObject()
    }

    /// The registration as the body of a request that registers it.
    public func jsonBytes() -> [UInt8] {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.field("service", service.value)
        writer.field("id", id.value)
        writeFields(to: &writer)
        writer.key("lease")
        writer.beginObject()
        writer.field("kind", lease.kind.rawValue)
        if lease.kind != .none {
            writer.field("ttlSeconds", lease.ttl)
            writer.field("evictAfterSeconds", lease.evictAfter)
        }
        writer.endObject()
        writer.checks(checks, [])
        writer.endObject()
        return writer.bytes
    }
}

extension JSONWriter {
    /// A duration in seconds, with a fraction only when there is one.
    public mutating func field(_ name: StaticString, _ duration: Duration) {
        let milliseconds = duration.wholeMilliseconds
        if milliseconds % 1000 == 0 {
            field(name, milliseconds / 1000)
        } else {
            field(name, Double(milliseconds) / 1000)
        }
    }

    /// A moment as text of RFC 3339 in UTC, with milliseconds.
    public mutating func field(_ name: StaticString, _ time: WallTime) { field(name, time.description) }
}
