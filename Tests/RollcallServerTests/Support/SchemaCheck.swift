// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// Checks JSON against the schemas of an OpenAPI document: the part of JSON Schema that ours uses. A keyword that it
/// does not know is a fault, so that nothing is passed over in silence.
struct SchemaCheck {
    let document: JSONValue

    private static let annotations: Set<String> = [
        "description", "default", "readOnly", "examples", "format", "minLength",
    ]

    /// What is wrong with `value`, each with its place.
    ///
    /// - Parameter isComplete: Whether a member that the schema does not name is a fault even where the schema is open:
    ///   what the server itself says has to be described.
    func faults(_ value: JSONValue, _ schema: JSONValue, isComplete: Bool, at path: String = "$") -> [String] {
        var faults: [String] = []
        for keyword in schema.objectValue ?? [] {
            faults += check(value, keyword, schema, isComplete, path)
        }
        if isComplete, schema["properties"] != nil, schema["additionalProperties"] == nil {
            for name in unnamed(value, schema) { faults.append("\(path).\(name) is not described") }
        }
        return faults
    }

    private func check(
        _ value: JSONValue, _ keyword: JSONMember, _ schema: JSONValue, _ isComplete: Bool, _ path: String
    ) -> [String] {
        func inner(_ value: JSONValue, _ schema: JSONValue, _ place: String = "") -> [String] {
            faults(value, schema, isComplete: isComplete, at: path + place)
        }
        func fault(_ isFault: Bool) -> [String] { isFault ? ["\(path) breaks \(keyword.key) \(keyword.value)"] : [] }
        let rule = keyword.value
        switch keyword.key {
        case "$ref":
            guard let target = target(rule.stringValue ?? "") else { return ["\(path): \(rule) leads nowhere"] }
            return inner(value, target)
        case "allOf": return (rule.arrayValue ?? []).flatMap { inner(value, $0) }
        case "type": return fault(!isOf(type: rule.stringValue, value))
        case "enum": return fault(rule.arrayValue?.contains(value) != true)
        case "required":
            return (rule.arrayValue ?? []).compactMap(\.stringValue).filter { value[$0] == nil }
                .map { "\(path).\($0) is missing" }
        case "properties":
            return (rule.objectValue ?? []).flatMap { member in
                value[member.key].map { inner($0, member.value, ".\(member.key)") } ?? []
            }
        case "additionalProperties":
            return unnamed(value, schema).flatMap { name -> [String] in
                if rule == .bool(false) { return ["\(path).\(name) must not be there"] }
                return value[name].map { inner($0, rule, ".\(name)") } ?? []
            }
        case "items":
            return (value.arrayValue ?? []).enumerated().flatMap { inner($1, rule, "[\($0)]") }
        case "minimum": return fault(value.doubleValue.map { $0 < rule.doubleValue ?? 0 } ?? false)
        case "maximum": return fault(value.doubleValue.map { $0 > rule.doubleValue ?? 0 } ?? false)
        case "maxItems": return fault((value.arrayValue?.count ?? 0) > rule.intValue ?? 0)
        case "maxLength": return fault((value.stringValue?.count ?? 0) > rule.intValue ?? 0)
        case "uniqueItems": return fault(value.arrayValue.map { Set($0).count != $0.count } ?? false)
        case let name where Self.annotations.contains(name):
            guard name == "format", rule == .string("date-time") else { return [] }
            return fault(value.stringValue.flatMap { WallTime($0) } == nil)
        default: return ["\(path): the keyword \(keyword.key) is not known to this check"]
        }
    }

    func target(_ reference: String) -> JSONValue? {
        reference.split(separator: "/").dropFirst().reduce(Optional(document)) { $0?[String($1)] }
    }

    private func unnamed(_ value: JSONValue, _ schema: JSONValue) -> [String] {
        (value.objectValue ?? []).map(\.key).filter { schema["properties"]?[$0] == nil }
    }

    private func isOf(type: String?, _ value: JSONValue) -> Bool {
        switch type {
        case "object": value.objectValue != nil
        case "array": value.arrayValue != nil
        case "string": value.stringValue != nil
        case "boolean": value.boolValue != nil
        case "integer": value.intValue != nil
        case "number": value.doubleValue != nil
        default: false
        }
    }
}
