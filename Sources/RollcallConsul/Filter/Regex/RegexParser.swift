// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Reads regular expressions in the syntax of RE2 with its Perl extensions.
///
/// Not known: scripts (`\p{Greek}`), and `\C`, which matches half characters.
struct RegexParser {
    struct Flags {
        var folds = false
        var isMultiline = false
        var dotIncludesNewline = false
    }

    /// How deep groups may nest.
    static let deepestNesting = 100
    /// How often a part may be repeated by a count.
    static let largestCount = 1000

    let pattern: String
    let characters: [Unicode.Scalar]
    var position = 0
    var flags = Flags()
    private var depth = 0

    static func parse(_ pattern: String) throws(RegularExpressionError) -> RegexNode {
        var parser = RegexParser(pattern)
        let node = try parser.choice()
        guard parser.position == parser.characters.count else {
            throw RegularExpressionError("unexpected )", pattern)
        }
        return node
    }

    private init(_ pattern: String) {
        self.pattern = pattern
        characters = Array(pattern.unicodeScalars)
    }

    var next: Unicode.Scalar? { position < characters.count ? characters[position] : nil }

    /// Moves behind `character` when it is the next.
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard next == character else { return false }
        position += 1
        return true
    }

    /// The part of the pattern from `start` to here.
    func text(from start: Int) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: characters[start ..< position])
        return text
    }

    // MARK: Structure

    private mutating func choice() throws(RegularExpressionError) -> RegexNode {
        var branches = [try sequence()]
        while skip("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(RegularExpressionError) -> RegexNode {
        var nodes: [RegexNode] = []
        while let character = next, character != "|", character != ")" {
            if character == "\\", position + 1 < characters.count, characters[position + 1] == "Q" {
                var quoted = quoted()
                // A repetition that follows is about the last character.
                guard let last = quoted.popLast() else { continue }
                nodes += quoted
                nodes.append(try repetition(of: last))
                continue
            }
            guard let node = try atom() else { continue }
            nodes.append(try repetition(of: node))
        }
        return nodes.count == 1 ? nodes[0] : nodes.isEmpty ? .empty : .sequence(nodes)
    }

    /// - Returns: `nil` for something that only sets flags.
    private mutating func atom() throws(RegularExpressionError) -> RegexNode? {
        let start = position
        guard let character = next else { return nil }
        position += 1
        switch character {
        case "(": return try group(start)
        case "[": return .set(try bracketed(start))
        case ".": return .any(includingNewline: flags.dotIncludesNewline)
        case "^": return .assertion(flags.isMultiline ? .lineStart : .textStart)
        case "$": return .assertion(flags.isMultiline ? .lineEnd : .textEnd)
        case "*", "+", "?":
            throw RegularExpressionError("missing argument to repetition operator", text(from: start))
        case "{":
            position = start
            guard try count() == nil else {
                throw RegularExpressionError("missing argument to repetition operator", text(from: start))
            }
            position = start + 1
            return literal("{")
        case "\\": return try escape(start)
        default: return literal(character)
        }
    }

    func literal(_ character: Unicode.Scalar) -> RegexNode { .character(character, folds: flags.folds) }

    private mutating func group(_ start: Int) throws(RegularExpressionError) -> RegexNode? {
        let outer = flags
        if skip("?") {
            guard let isGroup = try groupKind(start) else {
                throw RegularExpressionError("invalid or unsupported Perl syntax", text(from: start))
            }
            // Flags alone hold until the end of the group that they stand in.
            guard isGroup else { return nil }
        }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepestNesting else {
            throw RegularExpressionError("expression nests too deeply", pattern)
        }
        let node = try choice()
        guard skip(")") else { throw RegularExpressionError("missing closing )", pattern) }
        flags = outer
        return node
    }

    /// Reads what stands between `(?` and the content of a group.
    ///
    /// - Returns: Whether there is a content; `nil` for something unknown.
    private mutating func groupKind(_ start: Int) throws(RegularExpressionError) -> Bool? {
        let content = position
        if skip("<") || (skip("P") && skip("<")) {
            let name = position
            while let character = next, character != ">" { position += 1 }
            let isName = position > name && characters[name ..< position].allSatisfy { character in
                character == "_" || character.properties.isAlphabetic || character.properties.numericType != nil
            }
            guard skip(">"), isName else { throw RegularExpressionError("invalid named capture", text(from: start)) }
            return true
        }
        position = content
        var isSet = true
        var hasFlag = false
        while let character = next {
            position += 1
            switch character {
            case "i": flags.folds = isSet
            case "m": flags.isMultiline = isSet
            case "s": flags.dotIncludesNewline = isSet
            // Exchanges greedy and lazy.
            case "U": break
            case "-":
                guard isSet else { return nil }
                isSet = false
                hasFlag = false
                continue
            case ":", ")": return isSet || hasFlag ? character == ":" : nil
            default: return nil
            }
            hasFlag = true
        }
        throw RegularExpressionError("missing closing )", pattern)
    }

    // MARK: Repetition

    private mutating func repetition(of node: RegexNode) throws(RegularExpressionError) -> RegexNode {
        let start = position
        guard let (minimum, maximum) = try repetitionOperator() else { return node }
        _ = skip("?")
        let end = position
        if try repetitionOperator() != nil {
            throw RegularExpressionError("invalid nested repetition operator", text(from: start))
        }
        position = end
        return .repeated(node, minimum: minimum, maximum: maximum)
    }

    private mutating func repetitionOperator() throws(RegularExpressionError) -> (minimum: Int, maximum: Int?)? {
        if skip("*") { return (0, nil) }
        if skip("+") { return (1, nil) }
        if skip("?") { return (0, 1) }
        return try count()
    }

    /// Reads `{2}`, `{2,}` or `{2,5}`. Other braces are literal, and left alone.
    private mutating func count() throws(RegularExpressionError) -> (minimum: Int, maximum: Int?)? {
        let start = position
        guard skip("{"), let minimum = number() else {
            position = start
            return nil
        }
        var maximum: Int? = minimum
        if skip(",") { maximum = next == "}" ? nil : number() ?? -1 }
        guard skip("}"), maximum != -1 else {
            position = start
            return nil
        }
        guard minimum <= Self.largestCount, maximum ?? minimum <= Self.largestCount, maximum ?? minimum >= minimum
        else { throw RegularExpressionError("invalid repeat count", text(from: start)) }
        return (minimum, maximum)
    }

    /// A number without leading zeros; one that is too large is any that is too large.
    private mutating func number() -> Int? {
        let start = position
        var value = 0
        while let digit = next?.value, digit &- 0x30 < 10 {
            value = min(value * 10 + Int(digit - 0x30), 1_000_000)
            position += 1
        }
        guard position > start, position == start + 1 || characters[start] != "0" else { return nil }
        return value
    }
}
