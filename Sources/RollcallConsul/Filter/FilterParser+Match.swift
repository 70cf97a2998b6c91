// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Conditions and what they are made of.
extension FilterParser {
    mutating func match() -> FilterCondition? {
        let start = position
        let path = selector()
        if let path {
            let end = position
            if let (comparison, isNegated) = valueOperator(), let operand = value() {
                return FilterCondition(path: path, comparison: comparison, isNegated: isNegated, operand: operand)
            }
            position = end
            if let isNegated = emptyOperator() {
                return FilterCondition(path: path, comparison: .isEmpty, isNegated: isNegated, operand: nil)
            }
            position = end
        }
        guard let operand = path.map(Self.operand) ?? number() ?? string(), let isNegated = inOperator() else {
            position = start
            return nil
        }
        guard let path = selector() else {
            fault("match", "Invalid selector")
            position = start
            return nil
        }
        return FilterCondition(path: path, comparison: .contains, isNegated: isNegated, operand: operand)
    }

    // MARK: Operators

    private mutating func valueOperator() -> (FilterComparison, isNegated: Bool)? {
        let start = position
        for (symbol, isNegated) in [("==", false), ("!=", true)] as [(StaticString, Bool)] {
            spaces()
            if literal(symbol) {
                spaces()
                return (.equal, isNegated)
            }
            position = start
        }
        for (word, comparison) in [("contains", .contains), ("matches", .matches)]
            as [(StaticString, FilterComparison)]
        {
            if words(word) { return (comparison, false) }
            if words("not", word) { return (comparison, true) }
        }
        return nil
    }

    private mutating func inOperator() -> Bool? {
        if words("in") { return false }
        return words("not", "in") ? true : nil
    }

    private mutating func emptyOperator() -> Bool? {
        if words("is", "empty", isLast: true) { return false }
        return words("is", "not", "empty", isLast: true) ? true : nil
    }

    /// Reads words with white space before each, and after the last unless nothing needs to follow.
    private mutating func words(_ words: StaticString..., isLast: Bool = false) -> Bool {
        let start = position
        for word in words {
            guard spaces(), literal(word) else {
                position = start
                return false
            }
        }
        guard isLast || spaces() else {
            position = start
            return false
        }
        return true
    }

    // MARK: Selectors

    private mutating func selector() -> [String]? {
        guard let first = name() else { return nil }
        var path = [first]
        while true {
            let start = position
            if literal("."), let next = name() {
                path.append(next)
                continue
            }
            position = start
            guard let next = index() else { return path }
            path.append(next)
        }
    }

    private mutating func name() -> String? {
        let start = position
        guard byte("[a-zA-Z]", { ($0 | 0x20) &- 0x61 < 26 }) else { return nil }
        while byte("[a-zA-Z0-9_]", { ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || $0 == UInt8(ascii: "_") }) {}
        return String(decoding: bytes[start ..< position], as: UTF8.self)
    }

    private mutating func index() -> String? {
        let start = position
        guard literal("[") else { return nil }
        spaces()
        guard let text = string() else {
            fault("index", "Invalid index")
            position = start
            return nil
        }
        spaces()
        guard literal("]") else {
            fault("index", "Unclosed index expression")
            position = start
            return nil
        }
        return String(decoding: text, as: UTF8.self)
    }

    // MARK: Values

    private mutating func value() -> [UInt8]? { selector().map(Self.operand) ?? number() ?? string() }

    /// A bare word stands for itself.
    private static func operand(_ path: [String]) -> [UInt8] { Array(path.joined(separator: ".").utf8) }

    private mutating func number() -> [UInt8]? {
        let start = position
        literal("-")
        if !literal("0") {
            guard byte("[1-9]", { (0x31 ... 0x39).contains($0) }) else {
                position = start
                return nil
            }
            digits()
        }
        let whole = position
        if !literal(".") || !digits() { position = whole }
        let end = position
        guard spaces() || atEnd() || literal(")") else {
            fault("number", "Invalid number literal")
            position = start
            return nil
        }
        position = end
        return Array(bytes[start ..< end])
    }

    @discardableResult
    private mutating func digits() -> Bool {
        let start = position
        while byte("[0-9]", { $0 &- 0x30 < 10 }) {}
        return position > start
    }

    private mutating func string() -> [UInt8]? {
        let start = position
        guard literal("`") || literal("\"") else { return nil }
        guard let end = bytes[position...].firstIndex(of: bytes[start]) else {
            position = bytes.count
            fault("string", "Unterminated string literal")
            position = start
            return nil
        }
        position = end + 1
        guard let text = goUnquoted(bytes[start ... end]) else {
            fault("string", "invalid syntax", at: start)
            return []
        }
        return text
    }
}
