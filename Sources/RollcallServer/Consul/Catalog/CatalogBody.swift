// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// The body of `/v1/catalog/register`: a node, and what is on it.
struct CatalogRegistration: Sendable {
    var id = ""
    var node = ""
    var address = ""
    var taggedAddresses: [String: String]?
    var meta: [String: String]?
    var datacenter = ""
    var skipsNode = false
    var service: ServiceBody?
    var checks: [ConsulCheck] = []

    private static let fields: GoFieldNames = [
        "ID", "Node", "Address", "TaggedAddresses", "NodeMeta", "Datacenter", "SkipNodeUpdate", "Service", "Check",
        "Checks", "Token", "WriteRequest", "Locality",
    ]
    private static let serviceFields =
        ServiceBody.fields + ["Service", "LocallyRegisteredAsSidecar", "CreateIndex", "ModifyIndex", "PeerName"]

    init(_ json: JSONValue) throws(ConsulError) {
        let object = try GoObject(json, known: Self.fields, structName: "RegisterRequest")
        id = try object.text("ID")
        node = try object.text("Node")
        address = try object.text("Address")
        taggedAddresses = try object.textMap("TaggedAddresses")
        meta = try object.textMap("NodeMeta")
        datacenter = try object.text("Datacenter")
        skipsNode = try object.bool("SkipNodeUpdate")
        if let value = object.value("Service") {
            let fields = try GoObject(
                value, known: Self.serviceFields, structName: "NodeService", path: "Service.")
            service = try ServiceBody(fields, nameField: "Service")
        }
        if let value = object.value("Check") { checks.append(try CatalogCheck.read(value, node: node)) }
        for value in try object.elements("Checks", "structs.HealthChecks") {
            checks.append(try CatalogCheck.read(value, node: node))
        }
    }

    /// What a real Consul's servers refuse, in their words.
    func validate(datacenter known: String) throws(ConsulError) {
        if node.isEmpty { throw ConsulError(500, "Must provide node") }
        if address.isEmpty, !skipsNode {
            throw ConsulError(500, "Must provide address if SkipNodeUpdate is not set")
        }
        if !id.isEmpty, !ConsulUUID.isValid(id) { throw ConsulError(500, "Bad node ID: uuid string is wrong length") }
        if !datacenter.isEmpty, datacenter != known { throw ConsulError(500, "No path to datacenter") }
        guard let service else { return }
        if service.name.isEmpty {
            guard service.id.isEmpty else {
                throw ConsulError(500, "Must provide service name (Service.Service) when service ID is provided")
            }
            throw ConsulError(500, "Must provide service name (Service.Service)")
        }
        if service.hasAnyAddress { throw ConsulError(500, "Invalid service address") }
    }
}

/// The body of `/v1/catalog/deregister`.
struct CatalogDeregistration: Sendable {
    let node: String
    let serviceID: String
    let checkID: String

    init(_ json: JSONValue, datacenter known: String) throws(ConsulError) {
        let object = try GoObject(
            json, known: ["Node", "Address", "Datacenter", "ServiceID", "CheckID", "Token", "WriteRequest"],
            structName: "DeregisterRequest")
        node = try object.text("Node")
        serviceID = try object.text("ServiceID")
        checkID = try object.text("CheckID")
        let datacenter = try object.text("Datacenter")
        if node.isEmpty { throw ConsulError(500, "Must provide node") }
        if !datacenter.isEmpty, datacenter != known { throw ConsulError(500, "No path to datacenter") }
    }
}

/// Checks that the catalog is given: their results are what somebody else says, and nothing is run for them.
enum CatalogCheck {
    private static let fields: GoFieldNames = [
        "Node", "CheckID", "Name", "Status", "Notes", "Output", "ServiceID", "ServiceName", "ServiceTags", "Type",
        "Interval", "Timeout", "ExposedPort", "Definition", "CreateIndex", "ModifyIndex", "PeerName",
    ]

    static func read(_ json: JSONValue, node: String) throws(ConsulError) -> ConsulCheck {
        let object = try GoObject(json, known: fields, structName: "HealthCheck")
        let text = try object.text("Status")
        guard let status = text.isEmpty ? .critical : HealthCheck.Status(rawValue: text) else {
            throw ConsulError(500, "Invalid check status: '\(text)'")
        }
        var check = ConsulCheck(
            node: node, id: try object.text("CheckID"), name: try object.text("Name"), status: status,
            notes: try object.text("Notes"), output: try object.text("Output"),
            serviceID: try object.text("ServiceID"), type: try object.text("Type"))
        if check.id.isEmpty { check.id = check.name }
        if let value = object.value("Definition") { check.definition = try definition(value) }
        return check
    }

    /// The definition as it is shown: what is empty is left out, and durations are Go's texts.
    private static func definition(_ json: JSONValue) throws(ConsulError) -> [UInt8]? {
        let object = try GoObject(
            json, known: definitionFields, structName: "HealthCheckDefinition", path: "Definition.")
        var members: [JSONMember] = []
        for name in textFields where !(try object.text(name)).isEmpty {
            members.append(JSONMember(key: name, value: .string(try object.text(name))))
        }
        for name in flagFields where try object.bool(name) { members.append(JSONMember(key: name, value: .bool(true))) }
        for name in durationFields {
            var duration = try object.duration(name)
            if duration == nil { duration = try object.duration("\(name)Duration") }
            guard let duration, duration != .zero else { continue }
            members.append(JSONMember(key: name, value: .string(GoDuration.text(duration))))
        }
        if let size = try object.integer("OutputMaxSize"), size != 0 {
            members.append(JSONMember(key: "OutputMaxSize", value: .integer(Int64(size))))
        }
        for name in ["Header", "ScriptArgs"] {
            if let value = object.value(name) { members.append(JSONMember(key: name, value: value)) }
        }
        guard !members.isEmpty else { return nil }
        var writer = JSONWriter(capacity: 256)
        JSONValue.object(members).write(to: &writer)
        return writer.bytes
    }

    private static let textFields = [
        "HTTP", "TLSServerName", "Method", "Body", "TCP", "UDP", "H2PING", "OSService", "DockerContainerID", "Shell",
        "GRPC", "AliasNode", "AliasService",
    ]
    private static let flagFields = ["TLSSkipVerify", "DisableRedirects", "H2PingUseTLS", "TCPUseTLS", "GRPCUseTLS"]
    private static let durationFields = ["Interval", "Timeout", "DeregisterCriticalServiceAfter", "TTL"]
    private static let definitionFields: GoFieldNames = [
        "HTTP", "TLSServerName", "Method", "Body", "TCP", "UDP", "H2PING", "OSService", "DockerContainerID", "Shell",
        "GRPC", "AliasNode", "AliasService", "TLSSkipVerify", "DisableRedirects", "H2PingUseTLS", "TCPUseTLS",
        "GRPCUseTLS", "Interval", "Timeout", "DeregisterCriticalServiceAfter", "TTL", "IntervalDuration",
        "TimeoutDuration", "DeregisterCriticalServiceAfterDuration", "OutputMaxSize", "Header", "ScriptArgs",
    ]
}
