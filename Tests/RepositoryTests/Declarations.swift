// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A declaration in a Swift file, as far as can be told from its text.
struct Declaration {
    enum Kind: String {
        case `struct`, `class`, `enum`, actor, `protocol`, `extension`, `func`, `var`, `let`, `init`, `subscript`
        case `case`, `typealias`, `associatedtype`

        var isType: Bool {
            switch self {
            case .struct, .class, .enum, .actor, .protocol, .extension: true
            default: false
            }
        }
    }

    let kind: Kind
    /// With argument labels: `register(_:life:)`, `init(name:)`; for an extension what it extends.
    let name: String
    /// The types around it, outermost first: `["Registry", "Change"]`.
    let owner: [String]
    /// Whether it says so itself, or its place says so: requirements of a protocol, cases of an enumeration.
    let isPublic: Bool
    /// Whether it is in the body of a protocol.
    let isRequirement: Bool
    /// What a type names after its colon.
    let inherited: [String]
    let hasComment: Bool
    /// From 1.
    let line: Int

    /// Qualified by the types around it.
    var path: String { (owner + [name]).joined(separator: ".") }
}

/// Reads the declarations of a file that are not local to a function.
///
/// It knows no grammar: it follows braces and parentheses, and takes a line that begins with a declaration's keyword at
/// a place where declarations stand for one. That is enough for formatted code.
struct DeclarationReader {
    /// What a pair of braces encloses.
    private struct Scope {
        /// `nil` for a body.
        var type: Declaration?
        var path: [String] = []
    }

    private let lines: [Substring]
    private let code: [Substring]
    private var scopes: [Scope] = [Scope(type: nil)]
    private var depth = 0
    private var head: (kind: Declaration.Kind, line: Int, text: String)?
    private(set) var declarations: [Declaration] = []

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let masked = String(decoding: MaskedSource(text).bytes, as: UTF8.self)
        code = masked.split(separator: "\n", omittingEmptySubsequences: false)
        precondition(lines.count == code.count)
        for number in code.indices { read(number) }
        finish()
    }

    private var isPlaceOfDeclarations: Bool { depth == 0 && (scopes.count == 1 || scopes.last?.type != nil) }

    private mutating func read(_ number: Int) {
        let line = code[number]
        begin(line, number)
        for (index, character) in zip(line.indices, line) {
            if head != nil { head?.text.append(character) }
            switch character {
            case "{" where depth == 0:
                open()
                begin(line[line.index(after: index)...], number)
            case "{": scopes.append(Scope(type: nil))
            case "}" where scopes.count > 1:
                if depth == 0 { finish() }
                scopes.removeLast()
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            default: break
            }
        }
        if head != nil { head?.text.append(" ") }
    }

    /// Begins to read a head when `text` begins with a declaration.
    private mutating func begin(_ text: Substring, _ line: Int) {
        guard isPlaceOfDeclarations, let kind = Self.kind(of: text) else { return }
        finish()
        head = (kind, line, "")
    }

    private mutating func open() {
        let path = scopes.last?.path ?? []
        guard let declaration = finish(), declaration.kind.isType else {
            scopes.append(Scope(type: nil, path: path))
            return
        }
        scopes.append(Scope(type: declaration, path: path + declaration.name.split(separator: ".").map(String.init)))
    }

    /// Notes the declaration whose head was read.
    @discardableResult
    private mutating func finish() -> Declaration? {
        guard let (kind, line, text) = head else { return nil }
        head = nil
        let scope = scopes.last
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == "`") }.map(String.init)
        let modifiers = words.prefix { $0 != kind.rawValue }
        let isImplied =
            scope?.type.map { $0.isPublic && ($0.kind == .protocol || $0.kind == .enum && kind == .case) } ?? false
        let declaration = Declaration(
            kind: kind, name: Self.name(kind, text), owner: scope?.path ?? [],
            isPublic: isImplied || modifiers.contains("public") || modifiers.contains("open"),
            isRequirement: scope?.type?.kind == .protocol,
            inherited: kind.isType ? Self.inherited(text) : [], hasComment: hasComment(above: line), line: line + 1)
        declarations.append(declaration)
        return declaration
    }

    private func hasComment(above line: Int) -> Bool {
        var above = line - 1
        while above >= 0 {
            let text = lines[above].drop { $0 == " " }
            guard text.hasPrefix("@") || text.hasPrefix("#if") else {
                return text.hasPrefix("///") || text.hasSuffix("*/")
            }
            above -= 1
        }
        return false
    }

    // MARK: Reading a head

    private static let modifiers: Set<Substring> = [
        "public", "open", "package", "internal", "fileprivate", "private", "static", "final", "mutating",
        "nonmutating", "nonisolated", "isolated", "indirect", "convenience", "required", "override", "lazy", "weak",
        "unowned", "consuming", "borrowing", "prefix", "postfix", "infix", "dynamic", "distributed",
    ]

    /// The kind of declaration that a line begins, if it begins one.
    private static func kind(of line: Substring) -> Declaration.Kind? {
        var rest = line.drop { $0 == " " }
        while !rest.isEmpty {
            if rest.first == "@" {
                rest = rest.dropFirst().drop { $0.isLetter || $0 == "_" }
                if rest.first == "(" { rest = rest.drop { $0 != ")" }.dropFirst() }
            } else {
                let word = rest.prefix { $0.isLetter }
                let after = rest.dropFirst(word.count)
                if word == "class", after.hasPrefix(" func") || after.hasPrefix(" var") {
                    rest = after
                } else if let kind = Declaration.Kind(rawValue: String(word)),
                    kind == .`init` || kind == .subscript || after.first == " "
                {
                    return kind
                } else if modifiers.contains(word) {
                    rest = after.first == "(" ? after.drop { $0 != ")" }.dropFirst() : after
                } else {
                    return nil
                }
            }
            rest = rest.drop { $0 == " " }
        }
        return nil
    }

    private static func name(_ kind: Declaration.Kind, _ text: String) -> String {
        guard let keyword = text.firstRange(ofWord: kind.rawValue) else { return "" }
        let rest = text[keyword.upperBound...].drop { $0 == " " }
        switch kind {
        case .`init`: return "init" + labels(rest)
        case .subscript: return "subscript" + labels(rest)
        case .func:
            let name = rest.prefix { $0 != "(" && $0 != " " && ($0 != "<" || rest.first == "<") }
            // The parameters of an operator have no labels.
            let isWord = name.first.map { $0.isLetter || $0 == "_" || $0 == "`" } ?? false
            return isWord ? name + labels(rest.dropFirst(name.count)) : String(name)
        case .extension: return String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "." })
        default: return String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "`" }.filter { $0 != "`" })
        }
    }

    /// `(_:of:)` for the first parameter list in `text`.
    private static func labels(_ text: Substring) -> String {
        guard let start = text.firstIndex(of: "(") else { return "" }
        let parameters = text[text.index(after: start)...].topLevelParts(until: ")")
        let labels = parameters.compactMap { parameter -> String? in
            var words = parameter.split(separator: " ").drop { $0.hasPrefix("@") }
            guard var label = words.popFirst() else { return nil }
            if label.hasSuffix(":") { label.removeLast() }
            return label + ":"
        }
        return "(" + labels.joined() + ")"
    }

    /// What stands after the colon of a type's head.
    private static func inherited(_ text: String) -> [String] {
        // The colon of a generic parameter is in front of its closing bracket.
        let head = text.topLevelParts(until: "{").joined(separator: ",")
        var depth = 0
        guard
            let colon = head.firstIndex(where: { character in
                depth += character == "<" ? 1 : character == ">" ? -1 : 0
                return character == ":" && depth == 0
            })
        else { return [] }
        let list = head[head.index(after: colon)...]
        let end = list.firstRange(ofWord: "where")?.lowerBound ?? list.endIndex
        return list[..<end].topLevelParts(until: "{").compactMap { part in
            part.split(separator: " ").last.map { String($0.prefix { $0 != "<" }) }
        }
    }
}

extension StringProtocol {
    /// The first place of a word, apart from others.
    fileprivate func firstRange(ofWord word: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            let end = self[start...].firstIndex { !($0.isLetter || $0.isNumber || $0 == "_") } ?? endIndex
            if self[start ..< end] == word { return start ..< end }
            start = end == endIndex ? end : index(after: end)
        }
        return nil
    }

    /// The parts between the commas that are in no brackets, up to `end` in no brackets.
    fileprivate func topLevelParts(until end: Character) -> [String] {
        var parts = [""]
        var depth = 0
        var last: Character = " "
        for character in self {
            if depth == 0, character == end { break }
            if depth == 0, character == "," {
                parts.append("")
            } else {
                if "([<{".contains(character) { depth += 1 }
                if ")]}".contains(character) || character == ">" && last != "-" { depth -= 1 }
                parts[parts.count - 1].append(character)
            }
            last = character
        }
        return parts
    }
}
