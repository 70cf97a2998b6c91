// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A filter expression of Consul's API (`?filter=`), checked against the selectors of an endpoint and ready to be
/// applied.
///
/// The language is that of go-bexpr 0.1.2, which Consul has used for most of its life, with two later rules: a missing
/// map key does not satisfy `matches`, and texts may be tested with `is empty`.
public struct Filter: Sendable {
    /// The longest expression in bytes of UTF-8.
    public static let longestText = 16_384
    /// How deep parentheses and `not` may nest together.
    public static let deepestNesting = 100

    private let expression: FilterExpression<CompiledCondition>

    /// Reads `text`.
    ///
    /// - Throws: When it is no expression, names what `schema` does not have, or compares a field with what it cannot
    ///   be compared with.
    public static func parse(_ text: String, schema: FilterSchema) throws(FilterError) -> Filter {
        let written = try FilterParser.parse(text)
        return Filter(
            expression: try written.map { condition throws(FilterError) in try CompiledCondition(condition, schema) })
    }

    /// Whether the expression holds for `subject`.
    public func matches(_ subject: some FilterSubject) -> Bool {
        expression.evaluate { $0.holds(for: .object(subject), depth: 0) }
    }
}

/// A condition whose operand has the type of its field.
private struct CompiledCondition: Sendable {
    enum Operand: Sendable {
        case none
        case text([UInt8])
        case integer(Int64)
        case bool(Bool)
        case pattern(RegularExpression)
    }

    let path: [String]
    let comparison: FilterComparison
    let isNegated: Bool
    let operand: Operand

    init(_ condition: FilterCondition, _ schema: FilterSchema) throws(FilterError) {
        path = condition.path
        comparison = condition.comparison
        isNegated = condition.isNegated
        let selector = goQuoted(condition.path.joined(separator: "."))
        let field = try schema.field(condition.path)
        guard field.supports(condition.comparison) else {
            throw FilterError(
                "Invalid match operator \(goQuoted(condition.operatorName)) for selector \(selector)")
        }
        operand = try condition.operand.map { text throws(FilterError) in
            try Self.operand(text, condition.comparison, field, selector)
        } ?? .none
    }

    private static func operand(
        _ text: [UInt8], _ comparison: FilterComparison, _ field: FilterSchema.Field, _ selector: String
    ) throws(FilterError) -> Operand {
        guard comparison != .matches else {
            do throws(RegularExpressionError) {
                return .pattern(try RegularExpression(text))
            } catch {
                throw FilterError("Failed to compile regular expression \(goQuoted(text)): \(error)")
            }
        }
        do throws(GoNumberError) {
            switch field {
            case .integer: return .integer(try goInteger(text))
            case .bool: return .bool(try goBool(text))
            default: return .text(text)
            }
        } catch {
            throw FilterError("Failed to coerce value \(goQuoted(text)) for selector \(selector): \(error)")
        }
    }

    /// Whether the condition holds for what the path selects in `value`, beginning at `depth`.
    func holds(for value: FilterValue, depth: Int) -> Bool {
        guard depth < path.count else { return compare(value) != isNegated }
        switch value {
        case .object(let subject): return holds(for: subject.filterValue(path[depth]), depth: depth + 1)
        case .objects(let subjects): return subjects.contains { holds(for: .object($0), depth: depth) }
        case .map(let entries):
            guard let entry = entries[path[depth]] else { return holdsForMissing }
            return holds(for: .string(entry), depth: depth + 1)
        case .objectMap(let entries):
            guard let entry = entries[path[depth]] else { return holdsForMissing }
            return holds(for: .object(entry), depth: depth + 1)
        // Not what the schema says: nothing can be said of it.
        case .string, .bool, .integer, .strings: return false
        }
    }

    /// A key that a map does not have is nothing, and empty.
    private var holdsForMissing: Bool { (comparison == .isEmpty) != isNegated }

    private func compare(_ value: FilterValue) -> Bool {
        switch (value, operand) {
        case (.string(let text), .text(let operand)):
            comparison == .equal ? text.utf8.elementsEqual(operand) : text.utf8.contains(operand)
        case (.string(let text), .pattern(let pattern)): pattern.matches(text)
        case (.string(let text), .none): text.isEmpty
        case (.integer(let number), .integer(let operand)): number == operand
        case (.bool(let truth), .bool(let operand)): truth == operand
        case (.strings(let list), .none): list.isEmpty
        case (.strings(let list), .text(let operand)): list.contains { $0.utf8.elementsEqual(operand) }
        case (.map(let entries), .none): entries.isEmpty
        case (.map(let entries), .text(let operand)): entries.keys.contains { $0.utf8.elementsEqual(operand) }
        case (.objectMap(let entries), .none): entries.isEmpty
        case (.objectMap(let entries), .text(let operand)):
            entries.keys.contains { $0.utf8.elementsEqual(operand) }
        case (.objects(let list), .none): list.isEmpty
        default: false
        }
    }
}

extension String.UTF8View {
    /// Whether `part` stands somewhere in this text.
    fileprivate func contains(_ part: [UInt8]) -> Bool {
        guard let first = part.first else { return true }
        var rest = self[...]
        while let start = rest.firstIndex(of: first) {
            rest = rest[start...]
            if rest.starts(with: part) { return true }
            rest = rest.dropFirst()
        }
        return false
    }
}
