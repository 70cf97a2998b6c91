// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

// What filters find in Consul's objects.

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
        case "Proxy", "Connect": .object(NoMesh())
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

/// The mesh's parts of a service that is in none: everything is as if it had never been set.
private struct NoMesh: FilterSubject {
    func filterValue(_ name: String) -> FilterValue {
        switch name {
        case "MeshGateway", "TransparentProxy", "Expose": .object(NoMesh())
        case "Native", "Checks", "DialedDirectly": .bool(false)
        case "LocalServicePort", "OutboundListenerPort": .integer(0)
        case "Upstreams", "Paths": .objects([])
        default: .string("")
        }
    }
}
