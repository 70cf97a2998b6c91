// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The fields of a JSON object that describes an instance or a registration, as far as they were there.
///
/// One reader serves both, so that what a person got from the registry can be edited and sent back.
public struct InstanceDocument: Sendable {
    /// What to do with a field that is not known.
    public enum UnknownFields: Sendable {
        /// For answers of a newer server and for storage.
        case ignored
        /// For requests: a field that was misspelt must not be lost silently. ``registration(service:id:)`` throws for
        /// them.
        case refused
    }

    /// `nil` when the field is missing; the path of the request or a key names it then.
    public var service: String?
    /// `nil` when the field is missing.
    public var id: String?
    /// `nil` when the field is missing: whichever life is present.
    public var incarnation: UInt64?
    private var host: String?
    private var port: UInt16?
    private var isSecure = false
    private var namedPorts: [String: UInt16] = [:]
    private var healthCheck: String?
    private var tags: [String] = []
    private var metadata: [String: String] = [:]
    private var weight = Registration.defaultWeight
    private var locality = Locality()
    private var node = ""
    private var version = ""
    private var readiness = Readiness.ready
    private var lease = LeaseFields()
    private var desired = DesiredState.enabled
    private var checks: [CheckDocument] = []
    private var shadows: [String: [UInt8]] = [:]
    private var revision: UInt64?
    private var registeredAt = WallTime(millisecondsSinceEpoch: 0)
    private var changedAt = WallTime(millisecondsSinceEpoch: 0)
    /// The first of the fields that are refused, as they are named in faults.
    private var refused: [String] = []
    private var checkFaults: [FieldFault] = []
    private static let refusedMax = 32

    /// Reads a JSON object.
    public init(from reader: inout JSONReader, unknownFields: UnknownFields) throws(JSONError) {
        try reader.object { key, reader throws(JSONError) in
            if try readIdentityOrAddress(key, &reader) { return }
            if try readAttribute(key, &reader) { return }
            if try readStanding(key, &reader) { return }
            switch key {
            case "lease": lease = try LeaseFields(from: &reader) { refuse("lease.\($0)") }
            case "shadows" where unknownFields == .ignored: try readShadows(&reader)
            default:
                refuse(key.string)
                try reader.skip()
            }
        }
        for (position, check) in checks.enumerated() {
            for fault in check.faults where checkFaults.count < Self.refusedMax {
                checkFaults.append(FieldFault("checks[\(position)].\(fault.field)", fault.problem))
            }
        }
        if unknownFields == .ignored { (refused, checkFaults) = ([], []) }
    }

    private mutating func refuse(_ field: String) {
        guard refused.count < Self.refusedMax else { return }
        refused.append(String(field.unicodeScalars.prefix(64)))
    }

    private mutating func readShadows(_ reader: inout JSONReader) throws(JSONError) {
        var shadows: [String: [UInt8]] = [:]
        try reader.object { name, reader throws(JSONError) in shadows[name.string] = try reader.rawValue() }
        self.shadows = shadows
    }

    private mutating func readIdentityOrAddress(_ key: JSONKey, _ reader: inout JSONReader) throws(JSONError) -> Bool {
        switch key {
        case "service": service = try reader.string()
        case "id": id = try reader.string()
        case "incarnation": incarnation = try reader.integer(as: UInt64.self)
        case "host": host = try reader.string()
        case "port": port = try reader.integer(as: UInt16.self)
        case "secure": isSecure = try reader.bool()
        case "ports":
            var ports: [String: UInt16] = [:]
            try reader.object { name, reader throws(JSONError) in
                ports[name.string] = try reader.integer(as: UInt16.self)
            }
            namedPorts = ports
        case "healthCheck": healthCheck = try reader.stringOrNull()
        default: return false
        }
        return true
    }

    private mutating func readAttribute(_ key: JSONKey, _ reader: inout JSONReader) throws(JSONError) -> Bool {
        switch key {
        case "tags":
            var tags: [String] = []
            try reader.array { reader throws(JSONError) in tags.append(try reader.string()) }
            self.tags = tags
        case "metadata":
            var metadata: [String: String] = [:]
            try reader.object { name, reader throws(JSONError) in metadata[name.string] = try reader.string() }
            self.metadata = metadata
        case "weight": weight = try reader.integer(as: UInt16.self)
        case "region": locality.region = try reader.string()
        case "zone": locality.zone = try reader.string()
        case "node": node = try reader.string()
        case "version": version = try reader.string()
        case "readiness": readiness = try reader.oneOf(Readiness.self)
        default: return false
        }
        return true
    }

    private mutating func readStanding(_ key: JSONKey, _ reader: inout JSONReader) throws(JSONError) -> Bool {
        switch key {
        case "state": desired = try DesiredState(from: &reader)
        case "checks":
            var checks: [CheckDocument] = []
            try reader.array { reader throws(JSONError) in checks.append(try CheckDocument(from: &reader)) }
            self.checks = checks
        case "revision": revision = try reader.integer(as: UInt64.self)
        case "registeredAt": registeredAt = try reader.wallTime()
        case "changedAt": changedAt = try reader.wallTime()
        // Derived from the others.
        case "status", "endpoint", "healthCheckURL": try reader.skip()
        default: return false
        }
        return true
    }

    /// The registration that the fields describe.
    ///
    /// - Parameters:
    ///   - service: Used when the object names none.
    ///   - id: Likewise.
    ///   - defaultLease: Used when the object names neither of the lease's times.
    /// - Throws: `invalid` with the fields that are missing, and with those that are refused.
    public func registration(
        service: ServiceName? = nil, id: InstanceID? = nil, defaultLease: LeaseTerms = .standard
    ) throws(RegistryError) -> Registration {
        var faults = refused.map { FieldFault($0, "is not a field of a registration") } + checkFaults
        let service = self.service.map { ServiceName($0) } ?? service
        if service == nil { faults.append(FieldFault("service", "is missing")) }
        if host == nil { faults.append(FieldFault("host", "is missing")) }
        if port == nil { faults.append(FieldFault("port", "is missing")) }
        guard faults.isEmpty, let service, let host, let port else { throw .invalid("registration", faults) }
        return Registration(
            service: service, id: self.id.map { InstanceID($0) } ?? id, host: host, port: port, isSecure: isSecure,
            namedPorts: namedPorts, healthCheck: healthCheck, tags: tags, metadata: metadata, weight: weight,
            locality: locality, node: node, version: version, readiness: readiness, lease: lease.terms(defaultLease),
            checks: checks.compactMap(\.definition))
    }

    /// The instance that the fields describe; `nil` when one is missing that every instance has.
    func instance() -> ServiceInstance? {
        guard let incarnation, let revision, id != nil, var registration = try? registration() else { return nil }
        registration.shadows = shadows
        return ServiceInstance(
            registration: registration, incarnation: Incarnation(incarnation), desired: desired,
            checks: checks.compactMap(\.result), leaseState: lease.state, revision: Revision(revision),
            registeredAt: registeredAt, changedAt: changedAt)
    }
}

/// The object `lease`.
private struct LeaseFields {
    var kind = LeaseTerms.Kind.heartbeat
    var ttl: Duration?
    var evictAfter: Duration?
    var state = LeaseState.current

    init() {}

    /// - Parameter unknown: Told the fields that are not known.
    init(from reader: inout JSONReader, unknown: (String) -> Void) throws(JSONError) {
        var fields = LeaseFields()
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "kind": fields.kind = try reader.oneOf(LeaseTerms.Kind.self)
            case "ttlSeconds": fields.ttl = try reader.durationInSeconds()
            case "evictAfterSeconds": fields.evictAfter = try reader.durationInSeconds()
            case "state": fields.state = try reader.oneOf(LeaseState.self)
            default:
                unknown(key.string)
                try reader.skip()
            }
        }
        self = fields
    }

    /// A lease that names one of the two times only gets the other in the usual proportion.
    func terms(_ standard: LeaseTerms) -> LeaseTerms {
        guard kind != .none else { return .permanent }
        if ttl == nil, evictAfter == nil {
            return LeaseTerms(kind: kind, ttl: standard.ttl, evictAfter: standard.evictAfter)
        }
        return LeaseTerms(kind: kind, ttl: ttl ?? evictAfter.map { $0 / 3 } ?? standard.ttl, evictAfter: evictAfter)
    }
}

extension DesiredState {
    /// Reads what ``write(to:)`` wrote.
    public init(from reader: inout JSONReader) throws(JSONError) {
        var name = ""
        var reason = ""
        var until: WallTime?
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "desired": name = try reader.string()
            case "reason": reason = try reader.string()
            case "until": until = try reader.wallTime()
            default: throw reader.failure("the field \"\(key)\" is not known")
            }
        }
        switch name {
        case "enabled": self = .enabled
        case "draining": self = .draining(until: until, reason: reason)
        case "maintenance": self = .maintenance(reason: reason)
        default: throw reader.failure("expected \"desired\" to be enabled, draining or maintenance, found \"\(name)\"")
        }
    }
}

extension JSONReader {
    /// A string that is the raw value of one of the cases of `type`.
    public mutating func oneOf<Value>(_ type: Value.Type) throws(JSONError) -> Value
    where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
        let text = try string()
        guard let value = Value(rawValue: text) else {
            let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw failure("expected one of \(names), found \"\(text)\"")
        }
        return value
    }

    /// A number of seconds from 0 to 100 years, kept to the millisecond.
    public mutating func durationInSeconds() throws(JSONError) -> Duration {
        let seconds = try double()
        guard seconds >= 0, seconds <= 3_153_600_000 else {
            throw failure("expected a number of seconds from 0 to 3153600000, found \(seconds)")
        }
        return .milliseconds(Int64((seconds * 1000).rounded()))
    }

    /// A time as in RFC 3339, in UTC.
    public mutating func wallTime() throws(JSONError) -> WallTime {
        let text = try string()
        guard let time = WallTime(text) else {
            throw failure("expected a time such as 2026-01-31T09:30:00Z, found \"\(text)\"")
        }
        return time
    }
}
