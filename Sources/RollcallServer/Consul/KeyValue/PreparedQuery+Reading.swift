// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

extension PreparedQuery {
    /// Reads the wire form. Names of fields are read in any case, and unknown ones are passed over.
    ///
    /// - Throws: What is wrong, in Go's words where it has some.
    init(id: String, _ body: JSONValue) throws(FieldReading.Failure) {
        self.id = id
        let fields = try FieldReading(body, "PreparedQuery")
        name = try fields.string("Name")
        session = try fields.string("Session")
        token = try fields.string("Token")
        if let part = try fields.object("Template") {
            template = Template(
                type: try part.string("Type"), regexp: try part.string("Regexp"),
                removeEmptyTags: try part.bool("RemoveEmptyTags"))
        }
        if let part = try fields.object("Service") { try readService(part) }
        if let part = try fields.object("DNS") { ttl = try part.string("TTL") }
        createIndex = UInt64(clamping: try fields.integer("CreateIndex"))
        modifyIndex = UInt64(clamping: try fields.integer("ModifyIndex"))
    }

    private mutating func readService(_ fields: FieldReading) throws(FieldReading.Failure) {
        service = try fields.string("Service")
        if let part = try fields.object("Failover") {
            failoverNearest = try part.integer("NearestN")
            failoverDatacenters = try part.strings("Datacenters")
        }
        onlyPassing = try fields.bool("OnlyPassing")
        ignoredChecks = try fields.strings("IgnoreCheckIDs")
        near = try fields.string("Near")
        tags = try fields.strings("Tags")
        nodeMeta = try fields.texts("NodeMeta")
        serviceMeta = try fields.texts("ServiceMeta")
        connect = try fields.bool("Connect")
    }
}

/// Reads the fields of a JSON object as Go does: names in any case, null for what is not there.
struct FieldReading {
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// The input is well formed, and too long.
        var isTooLarge = false
    }

    private let members: [JSONMember]
    private let type: String

    /// - Parameter type: What the object is, for messages.
    init(_ value: JSONValue, _ type: String) throws(Failure) {
        guard case .object(let members) = value else {
            guard value.isNull else {
                throw Failure(description: "json: cannot unmarshal \(GoJSON.kind(value)) into Go value of type \(type)")
            }
            (self.members, self.type) = ([], type)
            return
        }
        (self.members, self.type) = (members, type)
    }

    /// The value of a field; `nil` when it is not there or null.
    subscript(name: String) -> JSONValue? {
        let name = name.lowercased()
        let value = members.last { $0.key.lowercased() == name }?.value
        return value?.isNull == true ? nil : value
    }

    func string(_ name: String) throws(Failure) -> String {
        guard let value = self[name] else { return "" }
        guard let text = value.stringValue else { throw wrongKind(value, name, "string") }
        return text
    }

    func bool(_ name: String) throws(Failure) -> Bool {
        guard let value = self[name] else { return false }
        guard let flag = value.boolValue else { throw wrongKind(value, name, "bool") }
        return flag
    }

    func integer(_ name: String) throws(Failure) -> Int64 {
        guard let value = self[name] else { return 0 }
        guard let number = value.intValue else { throw wrongKind(value, name, "int") }
        return number
    }

    func unsigned(_ name: String) throws(Failure) -> UInt64 {
        guard let value = self[name] else { return 0 }
        if let number = value.intValue, number >= 0 { return UInt64(number) }
        guard let number = value.doubleValue, let unsigned = UInt64(exactly: number) else {
            throw wrongKind(value, name, "uint64")
        }
        return unsigned
    }

    func object(_ name: String) throws(Failure) -> FieldReading? {
        guard let value = self[name] else { return nil }
        guard case .object = value else { throw wrongKind(value, name, "object") }
        return try FieldReading(value, name)
    }

    func array(_ name: String) throws(Failure) -> [JSONValue]? {
        guard let value = self[name] else { return nil }
        guard let elements = value.arrayValue else { throw wrongKind(value, name, "[]string") }
        return elements
    }

    func strings(_ name: String) throws(Failure) -> [String]? {
        guard let elements = try array(name) else { return nil }
        var texts: [String] = []
        for element in elements {
            guard let text = element.stringValue else { throw wrongKind(element, name, "string") }
            texts.append(text)
        }
        return texts
    }

    /// An object of texts.
    func texts(_ name: String) throws(Failure) -> [JSONMember]? {
        guard let value = self[name] else { return nil }
        guard let members = value.objectValue else { throw wrongKind(value, name, "map[string]string") }
        for member in members where member.value.stringValue == nil { throw wrongKind(member.value, name, "string") }
        return members.sorted { $0.key < $1.key }
    }

    private func wrongKind(_ value: JSONValue, _ name: String, _ wanted: String) -> Failure {
        let found = "json: cannot unmarshal \(GoJSON.kind(value))"
        return Failure(description: "\(found) into Go struct field \(type).\(name) of type \(wanted)")
    }
}
