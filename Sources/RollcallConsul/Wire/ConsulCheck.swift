// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// A health check as Consul's catalog shows it.
public struct ConsulCheck: Sendable, Hashable {
    /// `Node`: the name of the node it runs on.
    public var node: String
    /// `CheckID`, unique on its node.
    public var id: String
    /// `Name`, for display.
    public var name: String
    /// `Status`; Consul's words are the same three.
    public var status: HealthCheck.Status
    /// `Notes`, for people; may be empty.
    public var notes: String
    /// `Output` of the last round; may be empty.
    public var output: String
    /// Empty for a check of the node.
    public var serviceID: String
    /// Empty for a check of the node.
    public var serviceName: String
    /// The tags of the service at the time; empty for a check of the node.
    public var serviceTags: [String]
    /// `http`, `tcp`, `ttl`, …; empty for one that the catalog was given.
    public var type: String
    /// Go durations, or empty; the agent's own list shows `0s` for checks registered by themselves.
    public var interval: String
    /// As ``interval``.
    public var timeout: String
    /// The JSON object of a check that the catalog was given; `nil` for one of an agent.
    public var definition: [UInt8]?
    /// The index at which it came to be.
    public var createIndex: UInt64
    /// The index of its last change.
    public var modifyIndex: UInt64

    /// A check; what is left out is empty on the wire.
    public init(
        node: String, id: String, name: String, status: HealthCheck.Status, notes: String = "", output: String = "",
        serviceID: String = "", serviceName: String = "", serviceTags: [String] = [], type: String = "",
        interval: String = "", timeout: String = "", definition: [UInt8]? = nil, createIndex: UInt64 = 0,
        modifyIndex: UInt64 = 0
    ) {
        self.node = node
        self.id = id
        self.name = name
        self.status = status
        self.notes = notes
        self.output = output
        self.serviceID = serviceID
        self.serviceName = serviceName
        self.serviceTags = serviceTags
        self.type = type
        self.interval = interval
        self.timeout = timeout
        self.definition = definition
        self.createIndex = createIndex
        self.modifyIndex = modifyIndex
    }

    /// Appends Consul's `HealthCheck` object.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writeHead(to: &writer)
        writer.key("ServiceTags")
        writer.texts(serviceTags)
        writer.field("Type", type)
        writer.field("Interval", interval)
        writer.field("Timeout", timeout)
        writer.field("ExposedPort", 0)
        writer.key("Definition")
        if let definition {
            writer.raw(definition)
        } else {
            writer.beginObject()
            writer.endObject()
        }
        writeTail(to: &writer)
    }

    /// Appends the object as `/v1/agent/health/service/…` shows it: without the type, and with all of an empty
    /// definition.
    public func writeOfAgentHealth(to writer: inout JSONWriter) {
        writer.beginObject()
        writeHead(to: &writer)
        writer.key("ServiceTags")
        if serviceTags.isEmpty { writer.null() } else { writer.texts(serviceTags) }
        writer.field("Type", "")
        writer.key("Definition")
        writer.raw(Self.emptyDefinition)
        writeTail(to: &writer)
    }

    private func writeHead(to writer: inout JSONWriter) {
        writer.field("Node", node)
        writer.field("CheckID", id)
        writer.field("Name", name)
        writer.field("Status", status.rawValue)
        writer.field("Notes", notes)
        writer.field("Output", output)
        writer.field("ServiceID", serviceID)
        writer.field("ServiceName", serviceName)
    }

    private func writeTail(to writer: inout JSONWriter) {
        writer.field("CreateIndex", createIndex)
        writer.field("ModifyIndex", modifyIndex)
        writer.endObject()
    }

    private static let emptyDefinition = Array(
        """
        {"Interval":"0s","Timeout":"0s","DeregisterCriticalServiceAfter":"0s","HTTP":"","Header":null,"Method":"",\
        "Body":"","TLSServerName":"","TLSSkipVerify":false,"TCP":"","GRPC":"","GRPCUseTLS":false}
        """.utf8)
}
