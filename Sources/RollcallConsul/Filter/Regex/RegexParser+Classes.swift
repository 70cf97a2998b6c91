// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Escapes and classes of characters.
extension RegexParser {
    /// Reads what follows a backslash at `start`.
    mutating func escape(_ start: Int) throws(RegularExpressionError) -> RegexNode {
        switch next {
        case "A": return step(.assertion(.textStart))
        case "z": return step(.assertion(.textEnd))
        case "b": return step(.assertion(.wordBoundary))
        case "B": return step(.assertion(.noWordBoundary))
        default: break
        }
        var set = RegexSet(folds: flags.folds)
        if try namedClass(into: &set) { return .set(set) }
        return literal(try escapedCharacter(start))
    }

    private mutating func step(_ node: RegexNode) -> RegexNode {
        position += 1
        return node
    }

    /// Reads `\Q` and everything up to `\E`, or the end: characters that stand for themselves.
    mutating func quoted() -> [RegexNode] {
        position += 2
        var nodes: [RegexNode] = []
        while let character = next {
            position += 1
            if character == "\\", skip("E") { break }
            nodes.append(literal(character))
        }
        return nodes
    }

    /// Reads `d`, `S`, `pL`, `p{Lu}`, `PN` and their like after a backslash.
    private mutating func namedClass(into set: inout RegexSet) throws(RegularExpressionError) -> Bool {
        guard let letter = next else { return false }
        let lower = letter.folded
        if let ranges = RegexSet.perl(lower), letter.isASCII {
            position += 1
            set.insert(ranges, negated: letter != lower)
            return true
        }
        guard letter == "p" || letter == "P" else { return false }
        let start = position - 1
        position += 1
        var name = ""
        var isNegated = letter == "P"
        if skip("{") {
            if skip("^") { isNegated.toggle() }
            while let character = next, character != "}" {
                name.unicodeScalars.append(character)
                position += 1
            }
            guard skip("}") else { throw RegularExpressionError("invalid character class range", text(from: start)) }
        } else if let character = next {
            position += 1
            name.unicodeScalars.append(character)
        }
        guard let categories = RegexSet.categories(named: name) else {
            throw RegularExpressionError("invalid character class range", text(from: start))
        }
        set.categories |= isNegated ? ~categories : categories
        return true
    }

    /// The one character that an escape stands for, after the backslash at `start`.
    private mutating func escapedCharacter(_ start: Int) throws(RegularExpressionError) -> Unicode.Scalar {
        guard let character = next else {
            throw RegularExpressionError("trailing backslash at end of expression", "")
        }
        position += 1
        switch character {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": if let scalar = hexadecimal() { return scalar }
        case "0" ... "7":
            // A single digit other than 0 would be a back-reference.
            let isOctal = character == "0" || next.map { ("0" ... "7").contains($0) } ?? false
            if isOctal { return octal(character.value - 0x30) }
        default:
            let isLetterOrDigit = (character.value | 0x20) &- 0x61 < 26 || character.value &- 0x30 < 10
            if character.isASCII, !isLetterOrDigit { return character }
        }
        throw RegularExpressionError("invalid escape sequence", text(from: start))
    }

    private mutating func octal(_ first: UInt32) -> Unicode.Scalar {
        var value = first
        for _ in 0 ..< 2 {
            guard let digit = next?.value, digit &- 0x30 < 8 else { break }
            value = value * 8 + (digit - 0x30)
            position += 1
        }
        return Unicode.Scalar(value) ?? "\0"
    }

    private mutating func hexadecimal() -> Unicode.Scalar? {
        var value: UInt32 = 0
        var digits = 0
        let isBraced = skip("{")
        let most = isBraced ? 8 : 2
        while digits < most, let digit = next.flatMap({ Character($0).hexDigitValue }), next?.isASCII == true {
            value = value * 16 + UInt32(digit)
            digits += 1
            position += 1
        }
        if isBraced { guard digits > 0, skip("}") else { return nil } } else { guard digits == 2 else { return nil } }
        return Unicode.Scalar(value)
    }

    // MARK: Brackets

    /// Reads what follows `[` at `start`.
    mutating func bracketed(_ start: Int) throws(RegularExpressionError) -> RegexSet {
        var set = RegexSet(folds: flags.folds)
        set.isNegated = skip("^")
        // A bracket that comes first is a member.
        var isFirst = true
        while isFirst || next != "]" {
            guard next != nil else { throw missingBracket(start) }
            isFirst = false
            if try posixClass(into: &set) { continue }
            let low = position
            if skip("\\") {
                if try namedClass(into: &set) { continue }
                position = low
            }
            let first = try member(start)
            guard next == "-", position + 1 < characters.count, characters[position + 1] != "]" else {
                set.insert(first.value ... first.value)
                continue
            }
            position += 1
            let last = try member(start)
            guard last.value >= first.value else {
                throw RegularExpressionError("invalid character class range", text(from: low))
            }
            set.insert(first.value ... last.value)
        }
        position += 1
        return set
    }

    private mutating func member(_ start: Int) throws(RegularExpressionError) -> Unicode.Scalar {
        guard let character = next else { throw missingBracket(start) }
        let place = position
        position += 1
        return character == "\\" ? try escapedCharacter(place) : character
    }

    private mutating func posixClass(into set: inout RegexSet) throws(RegularExpressionError) -> Bool {
        let start = position
        guard skip("["), skip(":") else {
            position = start
            return false
        }
        var name = ""
        let isNegated = skip("^")
        while let character = next, character != ":", character != "]" {
            name.unicodeScalars.append(character)
            position += 1
        }
        guard skip(":"), skip("]") else {
            position = start
            return false
        }
        guard let ranges = RegexSet.posix[name] else {
            throw RegularExpressionError("invalid character class range", text(from: start))
        }
        set.insert(ranges, negated: isNegated)
        return true
    }

    private func missingBracket(_ start: Int) -> RegularExpressionError {
        var rest = ""
        rest.unicodeScalars.append(contentsOf: characters[start...])
        return RegularExpressionError("missing closing ]", rest)
    }
}
