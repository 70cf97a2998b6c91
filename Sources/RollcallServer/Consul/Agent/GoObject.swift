// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// An object of a request, read as Go's JSON decoder reads it for Consul: names whatever their case, `null` as if it
/// were absent, unknown names refused; and its words for what is wrong.
///
/// Names are also taken in snake case: Consul's own configuration files are written so, and clients copy them.
struct GoObject: Sendable {
    private let values: [String: JSONValue]
    private let structName: String
    private let path: String

    /// - Parameters:
    ///   - known: The names of all fields.
    ///   - structName: Go's name for what is decoded, which its messages hold; empty for one without a name.
    ///   - path: Of the object in the request, with a point at its end.
    init(_ value: JSONValue, known: GoFieldNames, structName: String = "", path: String = "") throws(ConsulError) {
        var values: [String: JSONValue] = [:]
        switch value {
        case .null: break
        case .object(let members):
            for member in members {
                let name = GoFieldNames.folded(member.key)
                guard known.contains(folded: name) else {
                    throw .decoding("json: unknown field \"\(member.key)\"")
                }
                values[name] = member.value
            }
        default:
            throw .decoding("json: cannot unmarshal \(GoJSON.kind(value)) into Go value of type structs.\(structName)")
        }
        self.values = values
        self.structName = structName
        self.path = path
    }

    /// The value of a field; `nil` when it is absent or null.
    func value(_ name: String) -> JSONValue? {
        guard let value = values[GoFieldNames.folded(name)], !value.isNull else { return nil }
        return value
    }

    func text(_ name: String) throws(ConsulError) -> String {
        guard let value = value(name) else { return "" }
        guard let text = value.stringValue else { throw mismatch(value, name, "string") }
        return text
    }

    func integer(_ name: String) throws(ConsulError) -> Int? {
        guard let value = value(name) else { return nil }
        guard case .integer(let integer) = value else { throw mismatch(value, name, "int") }
        return Int(integer)
    }

    func bool(_ name: String) throws(ConsulError) -> Bool {
        guard let value = value(name) else { return false }
        guard let bool = value.boolValue else { throw mismatch(value, name, "bool") }
        return bool
    }

    func texts(_ name: String) throws(ConsulError) -> [String] {
        guard let value = value(name) else { return [] }
        guard let elements = value.arrayValue else { throw mismatch(value, name, "[]string") }
        return try texts(elements, name)
    }

    private func texts(_ elements: [JSONValue], _ name: String) throws(ConsulError) -> [String] {
        var texts: [String] = []
        for element in elements {
            if element.isNull {
                texts.append("")
            } else if let text = element.stringValue {
                texts.append(text)
            } else {
                throw mismatch(element, name, "string")
            }
        }
        return texts
    }

    /// The members of an object; empty when it is absent.
    func members(_ name: String, _ type: String) throws(ConsulError) -> [JSONMember] {
        guard let value = value(name) else { return [] }
        guard let members = value.objectValue else { throw mismatch(value, name, type) }
        return members
    }

    /// `nil` when it is absent.
    func textMap(_ name: String) throws(ConsulError) -> [String: String]? {
        guard value(name) != nil else { return nil }
        var map: [String: String] = [:]
        for member in try members(name, "map[string]string") {
            guard member.value.isNull || member.value.stringValue != nil else {
                throw mismatch(member.value, name, "string")
            }
            map[member.key] = member.value.stringValue ?? ""
        }
        return map
    }

    /// A header field may have several values.
    func textsMap(_ name: String) throws(ConsulError) -> [String: [String]] {
        var map: [String: [String]] = [:]
        for member in try members(name, "map[string][]string") {
            guard let elements = member.value.arrayValue else { throw mismatch(member.value, name, "[]string") }
            map[member.key] = try texts(elements, name)
        }
        return map
    }

    /// The elements of an array; empty when it is absent.
    func elements(_ name: String, _ type: String) throws(ConsulError) -> [JSONValue] {
        guard let value = value(name) else { return [] }
        guard let elements = value.arrayValue else { throw mismatch(value, name, type) }
        return elements
    }

    /// A duration: Go's text, or a number of nanoseconds. Other kinds of values are as if they were absent.
    func duration(_ name: String) throws(ConsulError) -> Duration? {
        guard let value = value(name) else { return nil }
        if let text = value.stringValue {
            do {
                return try GoDuration.parse(text)
            } catch {
                throw .decoding(error.description)
            }
        }
        return value.doubleValue.flatMap { Int64(exactly: $0.rounded(.towardZero)) }.map { .nanoseconds($0) }
    }

    private func mismatch(_ value: JSONValue, _ name: String, _ type: String) -> ConsulError {
        var found = GoJSON.kind(value)
        if type == "int", case .number(let number) = value { found += " \(number)" }
        let field = "\(structName).\(path)\(name)"
        return .decoding("json: cannot unmarshal \(found) into Go struct field \(field) of type \(type)")
    }
}

/// The names of the fields of an object, compared as ``GoObject`` compares them.
struct GoFieldNames: Sendable, ExpressibleByArrayLiteral {
    private let folded: Set<String>

    init(arrayLiteral names: String...) { folded = Set(names.map(Self.folded)) }

    private init(_ folded: Set<String>) { self.folded = folded }

    static func + (left: GoFieldNames, right: GoFieldNames) -> GoFieldNames {
        GoFieldNames(left.folded.union(right.folded))
    }

    func contains(folded name: String) -> Bool { folded.contains(name) }

    static func folded(_ name: String) -> String {
        name.contains("_") ? name.lowercased().filter { $0 != "_" } : name.lowercased()
    }
}
