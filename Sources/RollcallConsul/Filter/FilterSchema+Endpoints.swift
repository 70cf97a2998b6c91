// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The selectors of each endpoint. Indexes and definitions of checks can never be selected.
extension FilterSchema {
    /// `agent/services`, on each service.
    public static let agentServices = FilterSchema(
        service.merging(["Datacenter": .string]) { $1 })

    /// `agent/checks`, `health/node`, `health/checks` and `health/state`, on each check.
    public static let checks = FilterSchema(check)

    /// `catalog/nodes`, on each node.
    public static let nodes = FilterSchema(node)

    /// `catalog/service/:name`, on each instance with its node; `catalog/services` on each instance of all services.
    public static let catalogServices = FilterSchema([
        "ID": .string, "Node": .string, "Address": .string, "Datacenter": .string, "TaggedAddresses": .map(.string),
        "NodeMeta": .map(.string), "ServiceKind": .string, "ServiceID": .string, "ServiceName": .string,
        "ServiceTags": .strings, "ServiceAddress": .string, "ServiceTaggedAddresses": .map(address),
        "ServiceWeights": weights, "ServiceMeta": .map(.string), "ServicePort": .integer,
        "ServiceSocketPath": .string, "ServiceEnableTagOverride": .bool, "ServiceConnect": connect,
        "ServiceProxy": proxy, "PeerName": .string,
    ])

    /// `catalog/node/:node` and `catalog/node-services/:node`, on each service.
    public static let nodeServices = FilterSchema(service)

    /// `health/service/:name`, on each instance with its node and checks.
    public static let serviceHealth = FilterSchema([
        "Node": .object(node), "Service": .object(service), "Checks": .objects(check),
    ])

    private static let node: [String: Field] = [
        "ID": .string, "Node": .string, "Address": .string, "Datacenter": .string, "TaggedAddresses": .map(.string),
        "Meta": .map(.string), "Partition": .string, "PeerName": .string,
    ]

    private static let service: [String: Field] = [
        "Kind": .string, "ID": .string, "Service": .string, "Tags": .strings, "Address": .string,
        "TaggedAddresses": .map(address), "Meta": .map(.string), "Port": .integer, "SocketPath": .string,
        "Weights": weights, "EnableTagOverride": .bool, "Proxy": proxy, "Connect": connect, "PeerName": .string,
    ]

    private static let check: [String: Field] = [
        "Node": .string, "CheckID": .string, "Name": .string, "Status": .string, "Notes": .string,
        "Output": .string, "ServiceID": .string, "ServiceName": .string, "ServiceTags": .strings, "Type": .string,
        "Interval": .string, "Timeout": .string, "ExposedPort": .integer, "PeerName": .string,
    ]

    private static let address = Field.object(["Address": .string, "Port": .integer])
    private static let weights = Field.object(["Passing": .integer, "Warning": .integer])
    private static let connect = Field.object(["Native": .bool])

    private static let proxy = Field.object([
        "DestinationServiceName": .string, "DestinationServiceID": .string, "LocalServiceAddress": .string,
        "LocalServicePort": .integer, "LocalServiceSocketPath": .string, "Mode": .string,
        "MeshGateway": .object(["Mode": .string]),
        "TransparentProxy": .object(["OutboundListenerPort": .integer, "DialedDirectly": .bool]),
        "Expose": .object([
            "Checks": .bool,
            "Paths": .objects([
                "ListenerPort": .integer, "Path": .string, "LocalPathPort": .integer, "Protocol": .string,
                "ParsedFromCheck": .bool,
            ]),
        ]),
        "Upstreams": .objects([
            "DestinationType": .string, "DestinationNamespace": .string, "DestinationName": .string,
            "Datacenter": .string, "LocalBindAddress": .string, "LocalBindPort": .integer,
            "MeshGateway": .object(["Mode": .string]),
        ]),
    ])
}
