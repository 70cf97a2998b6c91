// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// One instance with its node and the checks that concern it: an element of `/v1/health/service/…`.
public struct ConsulHealthEntry: Sendable, Hashable {
    /// Where the instance runs.
    public var node: ConsulNode
    /// The instance itself.
    public var service: ConsulService
    /// Those of the instance and those of its node.
    public var checks: [ConsulCheck]

    /// - Parameter checks: Those of the instance and those of its node.
    public init(node: ConsulNode, service: ConsulService, checks: [ConsulCheck]) {
        self.node = node
        self.service = service
        self.checks = checks
    }

    /// Reads the answer of `/v1/health/service/…`.
    public static func readAll(from reader: inout JSONReader) throws(JSONError) -> [ConsulHealthEntry] {
        var entries: [ConsulHealthEntry] = []
        try reader.array { reader throws(JSONError) in entries.append(try ConsulHealthEntry(from: &reader)) }
        return entries
    }

    /// Reads one element.
    public init(from reader: inout JSONReader) throws(JSONError) {
        var node: ConsulNode?
        var service: ConsulService?
        var checks: [ConsulCheck] = []
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "Node": node = try ConsulNode(from: &reader)
            case "Service": service = try ConsulService(from: &reader)
            case "Checks":
                if try reader.skippedNull() { return }
                try reader.array { reader throws(JSONError) in checks.append(try ConsulCheck(from: &reader)) }
            default: try reader.skip()
            }
        }
        guard let node, let service else { throw reader.failure("expected a Node and a Service") }
        self.init(node: node, service: service, checks: checks)
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

// What Consul writes differs between its versions: fields come and go, and what is empty is left out, null, or empty.
// All of these read alike.

extension ConsulNode {
    /// Reads Consul's `Node` object.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init(name: "", address: "", datacenter: "")
        try reader.object { key, reader throws(JSONError) in
            if try reader.skippedNull() { return }
            switch key {
            case "ID": id = try reader.string()
            case "Node": name = try reader.string()
            case "Address": address = try reader.string()
            case "Datacenter": datacenter = try reader.string()
            case "TaggedAddresses": taggedAddresses = try reader.texts()
            case "Meta": meta = try reader.texts()
            case "CreateIndex": createIndex = try reader.integer(as: UInt64.self)
            case "ModifyIndex": modifyIndex = try reader.integer(as: UInt64.self)
            default: try reader.skip()
            }
        }
        guard !name.isEmpty else { throw reader.failure("expected a node with a name") }
    }
}

extension ConsulService {
    /// Reads Consul's `NodeService` or `AgentService` object.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init(id: "", name: "")
        try reader.object { key, reader throws(JSONError) in
            if try reader.skippedNull() { return }
            switch key {
            case "ID": id = try reader.string()
            case "Service": name = try reader.string()
            case "Kind": kind = try reader.string()
            case "Tags":
                var tags: [String] = []
                try reader.array { reader throws(JSONError) in tags.append(try reader.string()) }
                self.tags = tags
            case "Address": address = try reader.string()
            case "TaggedAddresses":
                var addresses: [String: ConsulAddress] = [:]
                try reader.object { name, reader throws(JSONError) in
                    addresses[name.string] = try ConsulAddress(from: &reader)
                }
                taggedAddresses = addresses
            case "Meta": meta = try reader.texts()
            case "Port": port = try reader.integer(as: Int.self)
            case "SocketPath": socketPath = try reader.string()
            case "Weights": try readWeights(&reader)
            case "EnableTagOverride": enableTagOverride = try reader.bool()
            case "CreateIndex": createIndex = try reader.integer(as: UInt64.self)
            case "ModifyIndex": modifyIndex = try reader.integer(as: UInt64.self)
            default: try reader.skip()
            }
        }
        guard !id.isEmpty, !name.isEmpty else { throw reader.failure("expected a service with ID and Service") }
    }

    private mutating func readWeights(_ reader: inout JSONReader) throws(JSONError) {
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "Passing": passingWeight = try reader.integer(as: Int.self)
            case "Warning": warningWeight = try reader.integer(as: Int.self)
            default: try reader.skip()
            }
        }
    }
}

extension ConsulAddress {
    fileprivate init(from reader: inout JSONReader) throws(JSONError) {
        self.init(address: "", port: 0)
        try reader.object { key, reader throws(JSONError) in
            if try reader.skippedNull() { return }
            switch key {
            case "Address": address = try reader.string()
            case "Port": port = try reader.integer(as: Int.self)
            default: try reader.skip()
            }
        }
    }
}

extension ConsulCheck {
    /// Reads Consul's `HealthCheck` object. A status that Consul does not have counts as critical.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init(node: "", id: "", name: "", status: .critical)
        try reader.object { key, reader throws(JSONError) in
            if try reader.skippedNull() { return }
            switch key {
            case "Node": node = try reader.string()
            case "CheckID": id = try reader.string()
            case "Name": name = try reader.string()
            case "Status": status = HealthCheck.Status(rawValue: try reader.string()) ?? .critical
            case "Notes": notes = try reader.string()
            case "Output": output = try reader.string()
            case "ServiceID": serviceID = try reader.string()
            case "ServiceName": serviceName = try reader.string()
            case "ServiceTags":
                var tags: [String] = []
                try reader.array { reader throws(JSONError) in tags.append(try reader.string()) }
                serviceTags = tags
            case "Type": type = try reader.string()
            case "Interval": interval = try reader.string()
            case "Timeout": timeout = try reader.string()
            case "CreateIndex": createIndex = try reader.integer(as: UInt64.self)
            case "ModifyIndex": modifyIndex = try reader.integer(as: UInt64.self)
            default: try reader.skip()
            }
        }
    }
}

extension JSONReader {
    /// Reads `null` where it stands.
    mutating func skippedNull() throws(JSONError) -> Bool {
        guard isNull() else { return false }
        try null()
        return true
    }

    /// Reads an object of texts.
    fileprivate mutating func texts() throws(JSONError) -> [String: String] {
        var texts: [String: String] = [:]
        try object { name, reader throws(JSONError) in
            if try reader.skippedNull() { return }
            texts[name.string] = try reader.string()
        }
        return texts
    }
}
