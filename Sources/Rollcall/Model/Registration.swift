// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What an instance says of itself when it registers: where it listens, what it is, and on which terms its lease runs.
///
/// What others say of it (an operator's desired state, the results of health checks, the measured lease) is in
/// ``ServiceInstance``.
public struct Registration: Sendable, Hashable {
    /// What it is an instance of.
    public var service: ServiceName
    /// Unique within the service. Registering under one that exists updates that instance.
    public var id: InstanceID
    /// A host name, an IPv4 address or an IPv6 address without brackets.
    public var host: String
    /// The primary port; 0 for an instance that has none, such as one that only dialects register.
    public var port: UInt16
    /// Whether the primary port speaks TLS: it makes the endpoint URL `https` instead of `http`.
    public var isSecure: Bool
    /// Further ports by name, such as `admin` or `grpc`.
    public var namedPorts: [String: UInt16]
    /// Where a health check finds the instance: a path on the primary port (`/health`) or an absolute URL.
    public var healthCheck: String?
    /// Labels, in the order given, each once.
    public var tags: [String]
    /// For callers and people. Balancers take its key `weight` for the weight where ``weight`` is the default.
    public var metadata: [String: String]
    /// The share of traffic relative to the other instances, 0 to 65535; 0 means listed without traffic.
    public var weight: UInt16
    /// Where it runs, for callers that prefer their own zone.
    public var locality: Locality
    /// The machine or the pod that the instance runs on; may be empty.
    public var node: String
    /// The version of the software; may be empty.
    public var version: String
    /// Whether it may be called yet.
    public var readiness: Readiness
    /// What keeps it registered, and for how long.
    public var lease: LeaseTerms
    /// The health checks that it declares.
    public var checks: [CheckDefinition]
    /// Fields that only one dialect defines, as that dialect's JSON, kept verbatim and returned to that dialect alone.
    public var shadows: [String: [UInt8]]

    /// - Parameters:
    ///   - id: `host:port` when left out.
    public init(
        service: ServiceName, id: InstanceID? = nil, host: String, port: UInt16, isSecure: Bool = false,
        namedPorts: [String: UInt16] = [:], healthCheck: String? = nil, tags: [String] = [],
        metadata: [String: String] = [:], weight: UInt16 = Registration.defaultWeight, locality: Locality = Locality(),
        node: String = "", version: String = "", readiness: Readiness = .ready,
        lease: LeaseTerms = .standard, checks: [CheckDefinition] = [], shadows: [String: [UInt8]] = [:]
    ) {
        self.service = service
        self.id = id ?? InstanceID("\(urlHost(host)):\(port)")
        self.host = host
        self.port = port
        self.isSecure = isSecure
        self.namedPorts = namedPorts
        self.healthCheck = healthCheck
        self.tags = tags
        self.metadata = metadata
        self.weight = weight
        self.locality = locality
        self.node = node
        self.version = version
        self.readiness = readiness
        self.lease = lease
        self.checks = checks
        self.shadows = shadows
    }

    /// The weight of an instance that names none, as Consul's.
    public static let defaultWeight: UInt16 = 1

    /// Service and identifier together.
    public var key: InstanceKey { InstanceKey(service, id) }

    /// The URL of the primary port, such as `http://10.0.0.7:8080`; without a port when the instance has none.
    public var endpointURL: String { endpointURL(port) }

    /// The URL of one of the named ports; `nil` when there is none of this name.
    public func endpointURL(port name: String) -> String? { namedPorts[name].map(endpointURL) }

    private func endpointURL(_ port: UInt16) -> String {
        let address = "\(isSecure ? "https" : "http")://\(urlHost(host))"
        return port == 0 ? address : "\(address):\(port)"
    }

    /// The URL that a health check asks; `nil` when the instance named none.
    public var healthCheckURL: String? {
        guard let healthCheck else { return nil }
        if healthCheck.contains("://") { return healthCheck }
        return healthCheck.hasPrefix("/") ? endpointURL + healthCheck : "\(endpointURL)/\(healthCheck)"
    }
}

/// Where an instance runs. Empty parts are unknown.
public struct Locality: Sendable, Hashable {
    /// Such as `eu-central-1`. Only equality counts.
    public var region: String
    /// Such as `eu-central-1a`. Only equality counts.
    public var zone: String

    /// What is left out is unknown.
    public init(region: String = "", zone: String = "") {
        self.region = region
        self.zone = zone
    }
}

/// The readiness that an instance declares.
public enum Readiness: String, Sendable, Hashable, CaseIterable {
    /// It has not finished starting and must not be called yet.
    case starting
    /// It may be called, as far as it is concerned itself.
    case ready
}

/// `host` as it is written in a URL: an IPv6 address in brackets.
func urlHost(_ host: String) -> String {
    host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
}
