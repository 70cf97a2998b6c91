// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What Consul has no place for, carried in the metadata of a service under keys that begin with `rollcall-`.
///
/// What can be of use to other clients of Consul has a key of its own; the rest is one JSON text, cut into pieces that
/// fit a value.
struct ConsulMeta: Sendable, Hashable {
    var id: InstanceID
    /// The spelling of the service.
    var service: ServiceName
    var incarnation: Incarnation
    var registeredAt: WallTime

    static let prefix = "rollcall-"
    /// Consul's limits of a service's metadata.
    static let pairsMax = 64
    static let keyBytesMax = 128
    static let valueBytesMax = 512
}

// MARK: - Writing

extension ConsulMeta {
    /// The metadata to register.
    ///
    /// - Throws: `invalid`, with all that Consul could not keep.
    func pairs(with registration: Registration) throws(RegistryError) -> [String: String] {
        var pairs = own(registration)
        for (number, piece) in Self.pieces(Self.json(registration)).enumerated() {
            pairs["\(Self.prefix)json-\(number)"] = piece
        }
        var faults: [FieldFault] = []
        for (key, value) in pairs where value.utf8.count > Self.valueBytesMax {
            faults.append(
                FieldFault(
                    String(key.dropFirst(Self.prefix.count)),
                    "\(value.utf8.count) bytes, Consul keeps at most \(Self.valueBytesMax)"))
        }
        for (key, value) in registration.metadata.sorted(by: { $0.key < $1.key }) {
            if let problem = Self.problem(key, value) { faults.append(FieldFault("metadata.\(key)", problem)) }
            pairs[key] = value
        }
        if pairs.count > Self.pairsMax {
            faults.append(
                FieldFault(
                    "metadata", "\(pairs.count) entries with what Rollcall adds, Consul keeps at most \(Self.pairsMax)")
            )
        }
        if !faults.isEmpty { throw .invalid("registration of \(registration.key) in Consul", faults) }
        return pairs
    }

    private func own(_ registration: Registration) -> [String: String] {
        var own = [
            "id": id.value, "incarnation": incarnation.description, "registered": registeredAt.description,
            "lease": Self.text(registration.lease),
        ]
        if service.value != ConsulNaming.service(service) { own["service"] = service.value }
        if !registration.node.isEmpty { own["node"] = registration.node }
        if !registration.locality.region.isEmpty { own["region"] = registration.locality.region }
        if !registration.locality.zone.isEmpty { own["zone"] = registration.locality.zone }
        if !registration.version.isEmpty { own["version"] = registration.version }
        if registration.isSecure { own["secure"] = "true" }
        if let healthCheck = registration.healthCheck { own["health-check"] = healthCheck }
        if registration.readiness != .ready { own["readiness"] = registration.readiness.rawValue }
        // Consul has no weight 0.
        if registration.weight == 0 { own["weight"] = "0" }
        return Dictionary(uniqueKeysWithValues: own.map { (Self.prefix + $0.key, $0.value) })
    }

    private static func problem(_ key: String, _ value: String) -> String? {
        let isPlain = key.utf8.allSatisfy { byte in
            (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        if !isPlain { return "Consul allows letters, digits, - and _ in a key" }
        if key.utf8.count > keyBytesMax {
            return "\(key.utf8.count) bytes in the key, Consul keeps at most \(keyBytesMax)"
        }
        for reserved in [prefix, "consul-"] where key.hasPrefix(reserved) {
            return "keys must not begin with \(reserved)"
        }
        let bytes = value.utf8.count
        return bytes > valueBytesMax ? "\(bytes) bytes, Consul keeps at most \(valueBytesMax)" : nil
    }

    private static func text(_ lease: LeaseTerms) -> String {
        guard lease.kind != .none else { return lease.kind.rawValue }
        return "\(lease.kind.rawValue) \(GoDuration.text(lease.ttl)) \(GoDuration.text(lease.evictAfter))"
    }

    /// Named ports, checks and what only one dialect knows; empty when there are none of them.
    private static func json(_ registration: Registration) -> [UInt8] {
        guard !registration.namedPorts.isEmpty || !registration.checks.isEmpty || !registration.shadows.isEmpty else {
            return []
        }
        let part = Registration(
            service: "s", id: "i", host: "h", port: 1, namedPorts: registration.namedPorts, lease: .permanent,
            checks: registration.checks)
        let document = (try? JSONValue.parse(part.jsonBytes())) ?? .null
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        for name in ["ports", "checks"] {
            guard let value = document[name] else { continue }
            writer.key(name)
            value.write(to: &writer)
        }
        if !registration.shadows.isEmpty {
            writer.key("shadows")
            writer.beginObject()
            for (dialect, json) in registration.shadows.sorted(by: { $0.key < $1.key }) {
                writer.key(dialect)
                writer.raw(json)
            }
            writer.endObject()
        }
        writer.endObject()
        return writer.bytes
    }

    /// `text` in pieces of at most ``valueBytesMax``, none of which cuts a character.
    private static func pieces(_ text: [UInt8]) -> [String] {
        var pieces: [String] = []
        var rest = text[...]
        while !rest.isEmpty {
            var piece = rest.prefix(valueBytesMax)
            while piece.count < rest.count, rest[piece.endIndex] & 0xC0 == 0x80 { piece.removeLast() }
            pieces.append(String(decoding: piece, as: UTF8.self))
            rest = rest[piece.endIndex...]
        }
        return pieces
    }
}

// MARK: - Reading

extension ConsulMeta {
    /// `nil` when the engine did not write them.
    init?(_ pairs: [String: String], service name: String) {
        guard let incarnation = pairs[Self.prefix + "incarnation"].flatMap({ UInt64($0) }),
            let id = pairs[Self.prefix + "id"]
        else { return nil }
        self.init(
            id: InstanceID(id), service: ServiceName(pairs[Self.prefix + "service"] ?? name),
            incarnation: Incarnation(incarnation),
            registeredAt: pairs[Self.prefix + "registered"].flatMap { WallTime($0) }
                ?? WallTime(millisecondsSinceEpoch: 0))
    }

    /// Puts into `registration` what ``pairs(with:)`` took out of it. What cannot be read is left as it is: somebody
    /// else has changed it.
    static func restore(_ registration: inout Registration, from pairs: [String: String]) {
        func own(_ key: String) -> String? { pairs[prefix + key] }
        registration.metadata = pairs.filter { !$0.key.hasPrefix(prefix) }
        registration.node = own("node") ?? ""
        registration.locality = Locality(region: own("region") ?? "", zone: own("zone") ?? "")
        registration.version = own("version") ?? ""
        registration.isSecure = own("secure") == "true"
        registration.healthCheck = own("health-check")
        registration.readiness = own("readiness").flatMap { Readiness(rawValue: $0) } ?? .ready
        registration.lease = lease(own("lease") ?? "")
        if let weight = own("weight").flatMap({ UInt16($0) }) { registration.weight = weight }
        var json: [UInt8] = []
        for number in 0 ..< pairsMax {
            guard let piece = own("json-\(number)") else { break }
            json += piece.utf8
        }
        if !json.isEmpty { restore(&registration, json) }
    }

    private static func lease(_ text: String) -> LeaseTerms {
        let parts = text.split(separator: " ").map(String.init)
        guard let kind = parts.first.flatMap({ LeaseTerms.Kind(rawValue: $0) }), kind != .none, parts.count == 3,
            let ttl = try? GoDuration.parse(parts[1]), let evictAfter = try? GoDuration.parse(parts[2])
        else { return .permanent }
        return LeaseTerms(kind: kind, ttl: ttl, evictAfter: evictAfter)
    }

    private static func restore(_ registration: inout Registration, _ json: [UInt8]) {
        var shadows: [String: [UInt8]] = [:]
        try? JSONReader.read(json) { reader throws(JSONError) in
            try reader.object { key, reader throws(JSONError) in
                guard key == "shadows" else { return try reader.skip() }
                try reader.object { name, reader throws(JSONError) in shadows[name.string] = try reader.rawValue() }
            }
        }
        registration.shadows = shadows
        // The document of a registration, with what every registration has.
        let whole = Array(#"{"service":"s","id":"i","host":"h","port":1,"#.utf8) + json.dropFirst()
        let part = try? JSONReader.read(whole) { reader throws(JSONError) in
            try InstanceDocument(from: &reader, unknownFields: .ignored)
        }
        guard let part = try? part?.registration() else { return }
        registration.namedPorts = part.namedPorts
        registration.checks = part.checks
    }
}
