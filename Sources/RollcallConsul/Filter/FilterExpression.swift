// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a condition compares its field by.
enum FilterComparison: Sendable, Hashable {
    case equal
    /// An element of a list, a key of a map, a part of a text.
    case contains
    case isEmpty
    case matches
}

/// One condition as it was written: `Service.Meta.env != "prod"`.
struct FilterCondition: Sendable, Hashable {
    let path: [String]
    let comparison: FilterComparison
    let isNegated: Bool
    /// What the field is compared with, without quotes; `nil` for `is empty`. An escape may stand for any byte.
    let operand: [UInt8]?

    /// The name that errors use.
    var operatorName: String {
        switch comparison {
        case .equal: isNegated ? "Not Equal" : "Equal"
        case .contains: isNegated ? "Not In" : "In"
        case .isEmpty: isNegated ? "Is Not Empty" : "Is Empty"
        case .matches: isNegated ? "Not Matches" : "Matches"
        }
    }
}

/// Conditions joined by `and`, `or` and `not`.
indirect enum FilterExpression<Condition: Sendable>: Sendable {
    case condition(Condition)
    case all([FilterExpression])
    case any([FilterExpression])
    case not(FilterExpression)

    /// The same expression over other conditions, made in the order of the text.
    func map<Other, Failure: Error>(
        _ transform: (Condition) throws(Failure) -> Other
    ) throws(Failure) -> FilterExpression<Other> {
        switch self {
        case .condition(let condition): return .condition(try transform(condition))
        case .not(let inner): return .not(try inner.map(transform))
        case .all(let parts): return .all(try Self.map(parts, transform))
        case .any(let parts): return .any(try Self.map(parts, transform))
        }
    }

    private static func map<Other, Failure: Error>(
        _ parts: [FilterExpression], _ transform: (Condition) throws(Failure) -> Other
    ) throws(Failure) -> [FilterExpression<Other>] {
        var mapped: [FilterExpression<Other>] = []
        for part in parts { mapped.append(try part.map(transform)) }
        return mapped
    }

    /// Whether the expression holds, when `holds` says so of its conditions. Stops as soon as that is known.
    func evaluate(_ holds: (Condition) -> Bool) -> Bool {
        switch self {
        case .condition(let condition): holds(condition)
        case .not(let inner): !inner.evaluate(holds)
        case .all(let parts): parts.allSatisfy { $0.evaluate(holds) }
        case .any(let parts): parts.contains { $0.evaluate(holds) }
        }
    }
}
