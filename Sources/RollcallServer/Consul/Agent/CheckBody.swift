// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// A check as Consul's clients define it: in the registration of a service, or by itself.
struct CheckBody: Sendable, Hashable {
    var id = ""
    var name = ""
    var notes = ""
    var status = ""
    /// Of a check that is registered by itself: the service that it is about; empty for one of the node.
    var serviceID = ""
    var interval: Duration = .zero
    var timeout: Duration = .zero
    var ttl: Duration = .zero
    var http = ""
    var header: [String: [String]] = [:]
    var method = ""
    var body = ""
    var disablesRedirects = false
    var tcp = ""
    var usesTLS = false
    var udp = ""
    var grpc = ""
    var grpcUsesTLS = false
    var scriptArguments: [String] = []
    var dockerContainerID = ""
    var shell = ""
    var h2ping = ""
    var osService = ""
    var aliasNode = ""
    var aliasService = ""
    var tlsServerName = ""
    var skipsTLSVerification = false
    var successBeforePassing = 0
    var failuresBeforeWarning = 0
    var failuresBeforeCritical = 0
    var deregisterAfter: Duration = .zero
    var outputMaxSize = 0

    private static let fields: GoFieldNames = [
        "CheckID", "ID", "Name", "Notes", "Status", "ServiceID", "Token", "Interval", "Timeout", "TTL", "HTTP",
        "Header", "Method",
        "Body", "DisableRedirects", "TCP", "TCPUseTLS", "UDP", "GRPC", "GRPCUseTLS", "ScriptArgs", "Args",
        "DockerContainerID", "Shell", "H2PING", "H2PingUseTLS", "OSService", "AliasNode", "AliasService",
        "TLSServerName", "TLSSkipVerify", "SuccessBeforePassing", "FailuresBeforeWarning", "FailuresBeforeCritical",
        "DeregisterCriticalServiceAfter", "OutputMaxSize", "ProxyHTTP", "ProxyGRPC",
    ]

    init() {}

    init(_ json: JSONValue) throws(ConsulError) {
        let object = try GoObject(json, known: Self.fields)
        id = try object.text("CheckID")
        if id.isEmpty { id = try object.text("ID") }
        name = try object.text("Name")
        notes = try object.text("Notes")
        status = try object.text("Status")
        serviceID = try object.text("ServiceID")
        try readTarget(object)
        interval = try object.duration("Interval") ?? .zero
        timeout = try object.duration("Timeout") ?? .zero
        ttl = try object.duration("TTL") ?? .zero
        deregisterAfter = try object.duration("DeregisterCriticalServiceAfter") ?? .zero
        successBeforePassing = try object.integer("SuccessBeforePassing") ?? 0
        failuresBeforeWarning = try object.integer("FailuresBeforeWarning") ?? 0
        failuresBeforeCritical = try object.integer("FailuresBeforeCritical") ?? 0
        outputMaxSize = try object.integer("OutputMaxSize") ?? 0
    }

    private mutating func readTarget(_ object: GoObject) throws(ConsulError) {
        http = try object.text("HTTP")
        header = try object.textsMap("Header")
        method = try object.text("Method")
        body = try object.text("Body")
        disablesRedirects = try object.bool("DisableRedirects")
        tcp = try object.text("TCP")
        usesTLS = try object.bool("TCPUseTLS")
        udp = try object.text("UDP")
        grpc = try object.text("GRPC")
        grpcUsesTLS = try object.bool("GRPCUseTLS")
        scriptArguments = try object.texts("ScriptArgs")
        if scriptArguments.isEmpty { scriptArguments = try object.texts("Args") }
        dockerContainerID = try object.text("DockerContainerID")
        shell = try object.text("Shell")
        h2ping = try object.text("H2PING")
        osService = try object.text("OSService")
        aliasNode = try object.text("AliasNode")
        aliasService = try object.text("AliasService")
        tlsServerName = try object.text("TLSServerName")
        skipsTLSVerification = try object.bool("TLSSkipVerify")
    }

    private var isAlias: Bool { !aliasNode.isEmpty || !aliasService.isEmpty }

    /// Refuses what Consul refuses, in its words.
    func validate() throws(ConsulError) {
        let hasInterval =
            !scriptArguments.isEmpty || ![http, tcp, udp, grpc, h2ping, osService].allSatisfy(\.isEmpty)
        if interval > .zero, ttl > .zero { throw Self.invalid("Interval and TTL cannot both be specified") }
        if hasInterval, interval <= .zero {
            throw Self.invalid("Interval must be > 0 for Script, HTTP, H2PING, or TCP checks")
        }
        if isAlias, interval > .zero { throw Self.invalid("Interval cannot be set for Alias checks") }
        if isAlias, ttl > .zero { throw Self.invalid("TTL must be not be set for Alias checks") }
        if !hasInterval, !isAlias, ttl <= .zero { throw Self.invalid("TTL must be > 0 for TTL checks") }
        if outputMaxSize < 0 { throw Self.invalid("MaxOutputMaxSize must be positive") }
        if failuresBeforeWarning > max(failuresBeforeCritical, 0) {
            throw Self.invalid("FailuresBeforeWarning can't be higher than FailuresBeforeCritical")
        }
    }

    static func invalid(_ reason: String) -> ConsulError { ConsulError(400, "Invalid check: \(reason)") }

    /// The status before there is a result; `nil` when it is none.
    var initialStatus: HealthCheck.Status? {
        status.isEmpty ? .critical : HealthCheck.Status(rawValue: status)
    }
}
