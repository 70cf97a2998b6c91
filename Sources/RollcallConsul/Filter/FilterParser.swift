// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Reads filter expressions.
///
/// ```text
/// or       := and ( space "or" space and )*
/// and      := not ( space "and" space not )*
/// not      := "not" space not | "(" or ")" | match
/// match    := selector ("==" | "!=" | "contains" | "not contains" | "matches" | "not matches") value
///           | selector ("is empty" | "is not empty") | value ("in" | "not in") selector
/// selector := name ( "." name | "[" string "]" )*
/// value    := selector | number | string
/// ```
///
/// Consul's parser is generated from a parsing expression grammar and, when it fails, lists what it would have taken at
/// the furthest place that it reached. To answer alike, this one tries alternatives in the same order and notes what it
/// misses; where Consul's reads a part twice it keeps the first reading, so that the time is linear in the text.
struct FilterParser {
    let bytes: [UInt8]
    var position = 0
    /// The furthest place at which something was missed, and what.
    private var furthest = 0
    private var missed: Set<String> = []
    private var missedEnd = false
    /// Errors that are more than a mismatch, each once, in the order in which they were found.
    private var faults: [String] = []
    private var depth = 0

    static func parse(_ text: String) throws(FilterError) -> FilterExpression<FilterCondition> {
        guard text.utf8.count <= Filter.longestText else {
            throw FilterError("the expression has \(text.utf8.count) bytes, at most \(Filter.longestText) are allowed")
        }
        var parser = FilterParser(bytes: Array(text.utf8))
        parser.spaces()
        guard let expression = try parser.or(), parser.spacesAndEnd(), parser.faults.isEmpty else {
            throw parser.error
        }
        return expression
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    // MARK: Rules

    private mutating func or() throws(FilterError) -> FilterExpression<FilterCondition>? {
        guard let first = try and() else { return nil }
        var parts = [first]
        while true {
            let start = position
            guard spaces(), literal("or"), spaces(), let next = try and() else {
                position = start
                return parts.count == 1 ? first : .any(parts)
            }
            parts.append(next)
        }
    }

    private mutating func and() throws(FilterError) -> FilterExpression<FilterCondition>? {
        guard let first = try not() else { return nil }
        var parts = [first]
        while true {
            let start = position
            guard spaces(), literal("and"), spaces(), let next = try not() else {
                position = start
                return parts.count == 1 ? first : .all(parts)
            }
            parts.append(next)
        }
    }

    private mutating func not() throws(FilterError) -> FilterExpression<FilterCondition>? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Filter.deepestNesting else {
            throw FilterError("\(place(position)): the expression nests deeper than \(Filter.deepestNesting) levels")
        }
        let start = position
        if literal("not"), spaces(), let inner = try not() {
            if case .not(let twice) = inner { return twice }
            return .not(inner)
        }
        position = start
        guard literal("(") else { return match().map { .condition($0) } }
        spaces()
        if let inner = try or() {
            spaces()
            if literal(")") { return inner }
            fault("grouping", "Unmatched parentheses")
        }
        position = start
        return nil
    }

    // MARK: Bytes

    /// Reads exactly `text`.
    @discardableResult
    mutating func literal(_ text: StaticString) -> Bool {
        let isThere = text.withUTF8Buffer { bytes[position...].starts(with: $0) }
        if isThere {
            position += text.utf8CodeUnitCount
        } else if position >= furthest {
            miss(goQuoted("\(text)"))
        }
        return isThere
    }

    /// Reads white space, at least one character of it.
    @discardableResult
    mutating func spaces() -> Bool {
        let start = position
        while bytes.indices.contains(position), [0x20, 0x09, 0x0D, 0x0A].contains(bytes[position]) { position += 1 }
        miss(#"[ \t\r\n]"#)
        return position > start
    }

    /// Reads one byte of `set`, which errors call `name`.
    mutating func byte(_ name: String, _ set: (UInt8) -> Bool) -> Bool {
        guard bytes.indices.contains(position), set(bytes[position]) else {
            miss(name)
            return false
        }
        position += 1
        return true
    }

    /// Whether the text ends here.
    mutating func atEnd() -> Bool {
        if position == bytes.count { return true }
        miss(nil)
        return false
    }

    private mutating func spacesAndEnd() -> Bool {
        spaces()
        return atEnd()
    }

    // MARK: Errors

    /// Notes that `what` is not here; `nil` is the end of the text.
    private mutating func miss(_ what: String?) {
        guard position >= furthest else { return }
        if position > furthest {
            furthest = position
            missed = []
            missedEnd = false
        }
        if let what { missed.insert(what) } else { missedEnd = true }
    }

    /// Notes an error at `offset`, or here.
    mutating func fault(_ rule: String, _ problem: String, at offset: Int? = nil) {
        let text = "\(place(offset ?? position)): rule \"\(rule)\": \(problem)"
        if !faults.contains(text) { faults.append(text) }
    }

    private var error: FilterError {
        guard faults.isEmpty else { return FilterError(faults.joined(separator: "\n")) }
        let list = missed.sorted() + (missedEnd ? ["EOF"] : [])
        let last = list.last ?? "EOF"
        let listed = list.count < 2 ? last : "\(list.dropLast().joined(separator: ", ")) or \(last)"
        return FilterError("\(place(furthest)): no match found, expected: \(listed)")
    }

    /// Line, column and offset as they are told: columns count characters from 1, and a line feed is column 0 of the
    /// line that it begins.
    private func place(_ offset: Int) -> String {
        let before = bytes[..<offset]
        var line = 1 + before.count { $0 == 0x0A }
        let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        var column = 1 + before[start...].count { $0 & 0xC0 != 0x80 }
        if bytes.indices.contains(offset), bytes[offset] == 0x0A {
            line += 1
            column = 0
        }
        return "\(line):\(column) (\(offset))"
    }
}
