// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// What an agent and the catalog are both told of a service.
struct ServiceBody: Sendable, Hashable {
    var id = ""
    var name = ""
    var kind = ""
    var tags: [String] = []
    var address = ""
    var taggedAddresses: [String: ConsulAddress] = [:]
    var meta: [String: String] = [:]
    var port = 0
    var socketPath = ""
    /// `nil` when they were not given.
    var weights: Weights?
    var enableTagOverride = false

    struct Weights: Sendable, Hashable {
        var passing: Int
        var warning: Int
    }

    static let fields: GoFieldNames = [
        "Kind", "ID", "Tags", "Address", "TaggedAddresses", "Meta", "Port", "SocketPath", "Weights",
        "EnableTagOverride", "Proxy", "Connect", "Locality",
    ]

    init() {}

    /// - Parameter nameField: `Name`, or `Service` in the catalog.
    init(_ object: GoObject, nameField: String) throws(ConsulError) {
        kind = try object.text("Kind")
        id = try object.text("ID")
        name = try object.text(nameField)
        tags = try object.texts("Tags")
        address = try object.text("Address")
        meta = try object.textMap("Meta") ?? [:]
        port = try object.integer("Port") ?? 0
        socketPath = try object.text("SocketPath")
        enableTagOverride = try object.bool("EnableTagOverride")
        if let value = object.value("Weights") {
            let weights = try GoObject(
                value, known: ["Passing", "Warning"], structName: "Weights", path: "Weights.")
            self.weights = Weights(
                passing: try weights.integer("Passing") ?? 0, warning: try weights.integer("Warning") ?? 0)
        }
        for member in try object.members("TaggedAddresses", "map[string]structs.ServiceAddress") {
            let tagged = try GoObject(
                member.value, known: ["Address", "Port"], structName: "ServiceAddress", path: "TaggedAddresses.")
            taggedAddresses[member.key] = ConsulAddress(
                address: try tagged.text("Address"), port: try tagged.integer("Port") ?? 0)
        }
        if id.isEmpty { id = name }
    }

    /// The address stands for every address of a machine, which no caller can use.
    var hasAnyAddress: Bool { ["0.0.0.0", "::", "[::]"].contains(address) }

    /// What an agent refuses, in Consul's words and order.
    func validate() throws(ConsulError) {
        if name.isEmpty { throw ConsulError(400, "Missing service name") }
        if hasAnyAddress { throw ConsulError(400, "Invalid service address") }
        if let fault = weights?.fault { throw ConsulError(400, "Invalid Weights: \(fault)") }
        if let fault = metaFault { throw ConsulError(400, "Invalid Service Meta: \(fault)") }
        for (name, address) in taggedAddresses.sorted(by: { $0.key < $1.key }) {
            guard let family = ["ipv4", "ipv6"].first(where: { name.hasSuffix("_\($0)") }) else { continue }
            guard ["lan_", "wan_"].contains(where: { name == "\($0)\(family)" }),
                IPFamily(address.address)?.rawValue != family
            else { continue }
            throw ConsulError(400, "Validation failed: the tagged address \(name) must be an \(family) address")
        }
    }

    private var metaFault: String? {
        if meta.count > 64 { return "Node metadata cannot contain more than 64 key/value pairs" }
        for (key, value) in meta.sorted(by: { $0.key < $1.key }) {
            guard let fault = Self.metaFault(key, value) else { continue }
            return "Couldn't load metadata pair ('\(key)', '\(value)'): \(fault)"
        }
        return nil
    }

    private static func metaFault(_ key: String, _ value: String) -> String? {
        if key.isEmpty { return "Key cannot be blank" }
        let isPlain = key.utf8.allSatisfy {
            $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") || 0x30 ... 0x39 ~= $0 || 0x41 ... 0x5A ~= $0 & 0xDF
        }
        if !isPlain { return "Key contains invalid characters" }
        if key.utf8.count > 128 { return "Key is too long (limit: 128 characters)" }
        if key.hasPrefix("consul-") { return "Key prefix 'consul-' is reserved for internal use" }
        if value.utf8.count > 512 { return "Value is too long (limit: 512 characters)" }
        return nil
    }
}

extension ServiceBody.Weights {
    fileprivate var fault: String? {
        if passing < 1 { return "Passing must be greater than 0" }
        if warning < 0 { return "Warning must be greater or equal than 0" }
        if passing > 65_535 || warning > 65_535 { return "DNS Weight must be between 0 and 65535" }
        return nil
    }
}

/// The body of `/v1/agent/service/register`.
struct AgentServiceBody: Sendable {
    var service: ServiceBody
    /// `Check` first, then `Checks`.
    var checks: [CheckBody] = []

    private static let fields = ServiceBody.fields + ["Name", "Check", "Checks", "Token"]

    init(_ json: JSONValue) throws(ConsulError) {
        let object = try GoObject(
            json, known: Self.fields, structName: json.objectValue == nil ? "ServiceDefinition" : "")
        service = try ServiceBody(object, nameField: "Name")
        if let value = object.value("Check") {
            let check = try CheckBody(value)
            // One without anything is as if it were not there.
            if check != CheckBody() { checks.append(check) }
        }
        for value in try object.elements("Checks", "[]*structs.CheckType") { checks.append(try CheckBody(value)) }
    }

    /// What Consul refuses, in its words and order.
    func validate() throws(ConsulError) {
        try service.validate()
        for check in checks { try check.validate() }
        guard checks.allSatisfy({ $0.initialStatus != nil }) else {
            throw ConsulError(400, "Status for checks must 'passing', 'warning', 'critical'")
        }
    }
}
