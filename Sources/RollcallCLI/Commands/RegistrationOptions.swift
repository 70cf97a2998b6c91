// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// What an instance says of itself, as `register` and `run` take it.
struct RegistrationOptions: ParsableArguments {
    @Option(help: "The instance's identifier among those of its service. (default: host:port)")
    var id: String?

    @Option(name: .customLong("tag"), help: "A label; may be repeated.")
    var tags: [String] = []

    @Option(
        name: .customLong("meta"), help: ArgumentHelp("A piece of metadata; may be repeated.", valueName: "key=value"))
    var metadata: [KeyValueArgument] = []

    @Option(help: "The share of traffic relative to the other instances, 0 to 65535; 0 is listed without traffic.")
    var weight: UInt16 = Registration.defaultWeight

    @Option(help: "The zone it runs in.")
    var zone = ""

    @Option(help: "The region it runs in.")
    var region = ""

    @Option(help: "The machine or pod it runs on.")
    var node = ""

    @Option(name: .customLong("version"), help: "The version of the software.")
    var softwareVersion = ""

    @Option(help: "Without a heartbeat for this long the instance is down.")
    var ttl = DurationArgument(LeaseTerms.defaultTTL)

    @Option(help: "Without a heartbeat for this long the instance is evicted. (default: three times the ttl)")
    var evictAfter: DurationArgument?

    @Flag(help: "The port speaks TLS: the endpoint is https.")
    var secure = false

    @Option(
        name: .customLong("named-port"),
        help: ArgumentHelp("A further port; may be repeated.", valueName: "name=port"))
    var namedPorts: [KeyValueArgument] = []

    @Option(
        help: ArgumentHelp("Where a health check finds it: a path on its port, or a URL.", valueName: "path-or-url"))
    var healthCheck: String?

    @Option(
        name: .customLong("check"),
        help: ArgumentHelp(
            "A check that the server runs; may be repeated: http:/health, http:URL, tcp, tcp:HOST:PORT, grpc, "
                + "grpc:SERVICE, ttl:30s, command:PROGRAM ARGUMENTS. \(CheckArgument.optionsHelp)",
            valueName: "check"))
    var checks: [CheckArgument] = []

    func validate() throws {
        for port in namedPorts where UInt16(port.value) == nil {
            throw ValidationError(
                "--named-port \(port.name)=\(port.value): \"\(port.value)\" is not a port, 1 to 65535")
        }
    }

    /// The registration that the options describe. The registry checks it.
    func registration(service: String, host: String, port: UInt16, hasLease: Bool = true) -> Registration {
        let lease = LeaseTerms(
            kind: hasLease ? .heartbeat : .none, ttl: ttl.duration, evictAfter: evictAfter?.duration)
        return Registration(
            service: ServiceName(service), id: id.map { InstanceID($0) }, host: host, port: port, isSecure: secure,
            namedPorts: Dictionary(namedPorts.compactMap { port in UInt16(port.value).map { (port.name, $0) } }) { $1 },
            healthCheck: healthCheck, tags: tags,
            metadata: Dictionary(metadata.map { ($0.name, $0.value) }) { $1 }, weight: weight,
            locality: Locality(region: region, zone: zone), node: node, version: softwareVersion, lease: lease,
            checks: CheckArgument.definitions(checks))
    }
}
