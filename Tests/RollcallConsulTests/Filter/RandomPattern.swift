// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting

/// A regular expression with an obvious meaning.
indirect enum PlainPattern {
    case character(Unicode.Scalar)
    case any
    case members([Unicode.Scalar], isNegated: Bool)
    case start
    case end
    case boundary(isNegated: Bool)
    case sequence([PlainPattern])
    case choice([PlainPattern])
    case repeated(PlainPattern, minimum: Int, maximum: Int?, isLazy: Bool)
    case folded(PlainPattern)

    var text: String {
        switch self {
        case .character("\n"): "\\n"
        case .character(let character): String(character)
        case .any: "."
        case .members(let members, let isNegated):
            "[\(isNegated ? "^" : "")\(members.map { $0 == "\n" ? "\\n" : String($0) }.joined())]"
        case .start: "^"
        case .end: "$"
        case .boundary(let isNegated): isNegated ? "\\B" : "\\b"
        case .sequence(let parts): "(?:\(parts.map(\.text).joined()))"
        case .choice(let parts): "(\(parts.map(\.text).joined(separator: "|")))"
        case .repeated(let inner, let minimum, let maximum, let isLazy):
            "(?:\(inner.text))\(Self.count(minimum, maximum))\(isLazy ? "?" : "")"
        case .folded(let inner): "(?i:\(inner.text))"
        }
    }

    private static func count(_ minimum: Int, _ maximum: Int?) -> String {
        switch (minimum, maximum) {
        case (0, nil): "*"
        case (1, nil): "+"
        case (0, 1): "?"
        case (_, nil): "{\(minimum),}"
        case (_, let maximum?): "{\(minimum),\(maximum)}"
        }
    }

    /// Where a match that begins at `start` can end.
    func ends(in text: [Unicode.Scalar], from start: Int, folds: Bool = false) -> Set<Int> {
        func single(_ condition: (Unicode.Scalar) -> Bool) -> Set<Int> {
            start < text.count && condition(text[start]) ? [start + 1] : []
        }
        func isWord(_ position: Int) -> Bool {
            text.indices.contains(position) && "abAB".unicodeScalars.contains(text[position])
        }
        func areEqual(_ one: Unicode.Scalar, _ other: Unicode.Scalar) -> Bool {
            folds ? String(one).lowercased() == String(other).lowercased() : one == other
        }
        switch self {
        case .character(let wanted): return single { areEqual($0, wanted) }
        case .any: return single { $0 != "\n" }
        case .members(let members, let isNegated):
            return single { character in members.contains { areEqual($0, character) } != isNegated }
        case .start: return start == 0 ? [start] : []
        case .end: return start == text.count ? [start] : []
        case .boundary(let isNegated): return (isWord(start - 1) != isWord(start)) != isNegated ? [start] : []
        case .sequence(let parts):
            return parts.reduce([start]) { ends, part in
                ends.reduce(into: []) { $0.formUnion(part.ends(in: text, from: $1, folds: folds)) }
            }
        case .choice(let parts):
            return parts.reduce(into: []) { $0.formUnion($1.ends(in: text, from: start, folds: folds)) }
        case .repeated(let inner, let minimum, let maximum, _):
            var found: Set<Int> = minimum == 0 ? [start] : []
            var reached: Set<Int> = [start]
            // More rounds than characters, beyond those that have to be, reach nothing new.
            for round in 1 ..< max(2, min(maximum ?? .max, minimum + text.count + 1) + 1) {
                if let maximum, round > maximum { break }
                reached = reached.reduce(into: []) { $0.formUnion(inner.ends(in: text, from: $1, folds: folds)) }
                if round >= minimum { found.formUnion(reached) }
            }
            return found
        case .folded(let inner): return inner.ends(in: text, from: start, folds: true)
        }
    }
}

/// Random patterns over few characters, and texts for them.
struct RandomPattern {
    private var generator: SeededGenerator
    private static let alphabet: [Unicode.Scalar] = ["a", "b", "A", "-", "\n", "é"]

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0 ..< bound, using: &generator) }

    private mutating func character() -> Unicode.Scalar { Self.alphabet[below(Self.alphabet.count)] }

    mutating func text() -> [Unicode.Scalar] { (0 ..< below(8)).map { _ in character() } }

    mutating func node(depth: Int) -> PlainPattern {
        guard depth > 0 else { return .character(character()) }
        switch below(12) {
        case 0: return .any
        case 1:
            var members = (0 ... below(3)).map { _ in character() }
            // A hyphen between two others would be a range.
            members.removeAll { $0 == "-" }
            return .members(members.isEmpty ? ["a"] : members, isNegated: below(2) == 0)
        case 2: return below(2) == 0 ? .start : .end
        case 3: return .boundary(isNegated: below(2) == 0)
        case 4, 5, 6: return .sequence((0 ... below(3)).map { _ in node(depth: depth - 1) })
        case 7: return .choice((0 ... below(3)).map { _ in node(depth: depth - 1) })
        case 8, 9:
            let minimum = below(3)
            let maximum = below(2) == 0 ? nil : minimum + below(3)
            return .repeated(node(depth: depth - 1), minimum: minimum, maximum: maximum, isLazy: below(3) == 0)
        case 10: return .folded(node(depth: depth - 1))
        default: return .character(character())
        }
    }
}
