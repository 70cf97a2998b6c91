// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

// Consul's objects under the names of `FilterSchema`. A field that they do not carry is empty.

extension ConsulNode: FilterSubject {
    public func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "ID": .string(id)
        case "Node": .string(self.name)
        case "Address": .string(address)
        case "Datacenter": .string(datacenter)
        case "TaggedAddresses": .map(taggedAddresses ?? [:])
        case "Meta": .map(meta ?? [:])
        default: .string("")
        }
    }
}

extension ConsulService: FilterSubject {
    public func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "Kind": .string(kind)
        case "ID": .string(id)
        case "Service": .string(self.name)
        case "Tags": .strings(tags)
        case "Address": .string(address)
        case "TaggedAddresses": .objectMap(taggedAddresses)
        case "Meta": .map(meta)
        case "Port": .integer(Int64(port))
        case "SocketPath": .string(socketPath)
        case "Weights": .object(Weights(passing: passingWeight, warning: warningWeight))
        case "EnableTagOverride": .bool(enableTagOverride)
        case "Connect", "Proxy": .object(NoMesh())
        default: .string("")
        }
    }

    private struct Weights: FilterSubject {
        let passing: Int
        let warning: Int

        func filterValue(_ name: String) -> FilterValue { .integer(Int64(name == "Passing" ? passing : warning)) }
    }
}

extension ConsulAddress: FilterSubject {
    public func filterValue(_ name: String) -> FilterValue {
        name == "Port" ? .integer(Int64(port)) : .string(address)
    }
}

extension ConsulCheck: FilterSubject {
    public func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "Node": .string(node)
        case "CheckID": .string(id)
        case "Name": .string(self.name)
        case "Status": .string(status.rawValue)
        case "Notes": .string(notes)
        case "Output": .string(output)
        case "ServiceID": .string(serviceID)
        case "ServiceName": .string(serviceName)
        case "ServiceTags": .strings(serviceTags)
        case "Type": .string(type)
        case "Interval": .string(interval)
        case "Timeout": .string(timeout)
        case "ExposedPort": .integer(0)
        default: .string("")
        }
    }
}

extension ConsulHealthEntry: FilterSubject {
    public func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "Node": .object(node)
        case "Service": .object(service)
        default: .objects(checks)
        }
    }
}

/// An instance with its node, as the rows of `catalog/service` and for ``FilterSchema/catalogServices``.
public struct ConsulCatalogRow: FilterSubject, Sendable {
    public let node: ConsulNode
    public let service: ConsulService

    public init(node: ConsulNode, service: ConsulService) {
        self.node = node
        self.service = service
    }

    public func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "NodeMeta": node.filterValue("Meta")
        case "ServiceName": service.filterValue("Service")
        case _ where name.hasPrefix("Service"): service.filterValue(String(name.dropFirst("Service".count)))
        default: node.filterValue(name)
        }
    }
}

/// An instance of the agent, for ``FilterSchema/agentServices``.
public struct ConsulAgentRow: FilterSubject, Sendable {
    public let service: ConsulService
    public let datacenter: String

    public init(service: ConsulService, datacenter: String) {
        self.service = service
        self.datacenter = datacenter
    }

    public func filterValue(_ name: String) -> FilterValue {
        name == "Datacenter" ? .string(datacenter) : service.filterValue(name)
    }
}

/// The parts of a service mesh, which instances here have none of.
private struct NoMesh: FilterSubject {
    func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "Native", "Checks", "DialedDirectly": .bool(false)
        case "LocalServicePort", "OutboundListenerPort": .integer(0)
        case "MeshGateway", "Expose", "TransparentProxy": .object(NoMesh())
        case "Paths", "Upstreams": .objects([])
        default: .string("")
        }
    }
}
