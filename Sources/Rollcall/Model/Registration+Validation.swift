// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// One thing that is wrong with an input: where, and what was expected.
public struct FieldFault: Sendable, Hashable, CustomStringConvertible {
    /// The field's name as on the wire, such as `metadata.team`.
    public let field: String
    /// What is wrong, as half a sentence that begins with the value or with "must".
    public let problem: String

    /// - Parameters:
    ///   - field: As on the wire, with its path: `checks[0].id`.
    ///   - problem: Half a sentence that is shown after the field.
    public init(_ field: String, _ problem: String) {
        self.field = field
        self.problem = problem
    }

    public var description: String { "\(field): \(problem)" }
}

extension Registration {
    /// Checks every field.
    ///
    /// - Parameter needsPort: Whether the primary port may not be 0, which is "none": the model and some dialects know
    ///   instances without one, an application that registers itself has one.
    /// - Throws: ``RegistryError/Code/invalid`` with *all* faults found.
    public func validate(limits: ModelLimits = .standard, needsPort: Bool = true) throws(RegistryError) {
        var faults: [FieldFault] = []
        checkIdentity(limits, &faults)
        checkAddress(limits, needsPort: needsPort, &faults)
        checkAttributes(limits, &faults)
        checkLease(limits, &faults)
        checkDefinitions(limits, &faults)
        if !faults.isEmpty { throw .invalid("registration of \(key)", faults) }
    }

    private func checkIdentity(_ limits: ModelLimits, _ faults: inout [FieldFault]) {
        checkName(service.value, "service", limits.serviceNameBytes, &faults)
        checkName(id.value, "id", limits.instanceIDBytes, &faults)
    }

    private func checkAddress(_ limits: ModelLimits, needsPort: Bool, _ faults: inout [FieldFault]) {
        checkName(host, "host", limits.hostBytes, &faults)
        if needsPort, port == 0 { faults.append(FieldFault("port", "must be 1 to 65535")) }
        if namedPorts.count > limits.namedPorts {
            faults.append(FieldFault("ports", "\(namedPorts.count) entries, at most \(limits.namedPorts) are allowed"))
        }
        for (name, port) in namedPorts.sorted(by: { $0.key < $1.key }) {
            checkName(name, "ports", limits.tagBytes, &faults)
            if port == 0 { faults.append(FieldFault("ports.\(name)", "must be 1 to 65535")) }
        }
        checkText(healthCheck ?? "", "healthCheck", limits.attributeBytes, &faults)
    }

    private func checkAttributes(_ limits: ModelLimits, _ faults: inout [FieldFault]) {
        if tags.count > limits.tags {
            faults.append(FieldFault("tags", "\(tags.count) entries, at most \(limits.tags) are allowed"))
        }
        for (position, tag) in tags.enumerated() {
            checkText(tag, "tags[\(position)]", limits.tagBytes, &faults)
            if tag.isEmpty { faults.append(FieldFault("tags[\(position)]", "must not be empty")) }
        }
        if Set(tags).count != tags.count { faults.append(FieldFault("tags", "must not repeat a tag")) }
        if metadata.count > limits.metadataEntries {
            faults.append(
                FieldFault("metadata", "\(metadata.count) entries, at most \(limits.metadataEntries) are allowed"))
        }
        var bytes = 0
        for (key, value) in metadata {
            bytes += key.utf8.count + value.utf8.count
            checkName(key, "metadata key", limits.metadataKeyBytes, &faults)
            checkLength(value, "metadata.\(key)", limits.metadataValueBytes, &faults)
        }
        if bytes > limits.metadataBytes {
            faults.append(FieldFault("metadata", "\(bytes) bytes, at most \(limits.metadataBytes) are allowed"))
        }
        checkText(locality.region, "region", limits.attributeBytes, &faults)
        checkText(locality.zone, "zone", limits.attributeBytes, &faults)
        checkText(node, "node", limits.attributeBytes, &faults)
        checkText(version, "version", limits.attributeBytes, &faults)
    }

    private func checkLease(_ limits: ModelLimits, _ faults: inout [FieldFault]) {
        guard lease.kind != .none else { return }
        if !limits.ttl.contains(lease.ttl) {
            faults.append(FieldFault("lease.ttlSeconds", "\(lease.ttl.inSeconds) is not \(rangeText(limits.ttl))"))
        }
        if !limits.evictAfter.contains(lease.evictAfter) {
            faults.append(
                FieldFault(
                    "lease.evictAfterSeconds", "\(lease.evictAfter.inSeconds) is not \(rangeText(limits.evictAfter))"))
        } else if lease.evictAfter < lease.ttl {
            faults.append(FieldFault("lease.evictAfterSeconds", "must not be less than lease.ttlSeconds"))
        }
    }
}

func rangeText(_ range: ClosedRange<Duration>) -> String {
    "between \(range.lowerBound.inSeconds) and \(range.upperBound.inSeconds)"
}

/// Faults of a name: it may not be empty, nor hold white space or control characters.
func checkName(_ text: String, _ field: String, _ bytes: Int, _ faults: inout [FieldFault]) {
    if text.isEmpty {
        faults.append(FieldFault(field, "must not be empty"))
    } else if text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
        faults.append(FieldFault(field, "must not contain white space or control characters"))
    }
    checkLength(text, field, bytes, &faults)
}

/// Faults of a text: it may be empty, but not hold control characters.
func checkText(_ text: String, _ field: String, _ bytes: Int, _ faults: inout [FieldFault]) {
    if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
        faults.append(FieldFault(field, "must not contain control characters"))
    }
    checkLength(text, field, bytes, &faults)
}

private func checkLength(_ text: String, _ field: String, _ bytes: Int, _ faults: inout [FieldFault]) {
    let count = text.utf8.count
    if count > bytes { faults.append(FieldFault(field, "\(count) bytes, at most \(bytes) are allowed")) }
}
