// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A class of characters: `[a-z\d]`, `\w`, `\pL`.
struct RegexSet: Sendable, Hashable {
    var ranges: [ClosedRange<UInt32>] = []
    /// General categories of Unicode, as a mask.
    var categories: UInt32 = 0
    var isNegated = false
    /// Whether case makes no difference.
    var folds = false

    func contains(_ character: Unicode.Scalar) -> Bool {
        let isMember = folds ? character.cases.contains(where: holds) : holds(character)
        return isMember != isNegated
    }

    private func holds(_ character: Unicode.Scalar) -> Bool {
        if ranges.contains(where: { $0.contains(character.value) }) { return true }
        return categories != 0 && categories & character.properties.generalCategory.mask != 0
    }

    mutating func insert(_ range: ClosedRange<UInt32>) { ranges.append(range) }

    /// Takes in a named class, or all that is not in it.
    mutating func insert(_ members: [ClosedRange<UInt32>], negated: Bool) {
        guard negated else {
            ranges += members
            return
        }
        var next: UInt32 = 0
        for range in members {
            if range.lowerBound > next { ranges.append(next ... range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        ranges.append(next ... Self.last)
    }

    static let last: UInt32 = 0x10FFFF

    /// The classes `\d`, `\s` and `\w`.
    static func perl(_ letter: Unicode.Scalar) -> [ClosedRange<UInt32>]? {
        switch letter {
        case "d": [0x30 ... 0x39]
        case "s": [0x09 ... 0x0A, 0x0C ... 0x0D, 0x20 ... 0x20]
        case "w": [0x30 ... 0x39, 0x41 ... 0x5A, 0x5F ... 0x5F, 0x61 ... 0x7A]
        default: nil
        }
    }

    /// The classes that are written `[:alpha:]` inside brackets. Their ranges are in order.
    static let posix: [String: [ClosedRange<UInt32>]] = [
        "alnum": [0x30 ... 0x39, 0x41 ... 0x5A, 0x61 ... 0x7A],
        "alpha": [0x41 ... 0x5A, 0x61 ... 0x7A],
        "ascii": [0x00 ... 0x7F],
        "blank": [0x09 ... 0x09, 0x20 ... 0x20],
        "cntrl": [0x00 ... 0x1F, 0x7F ... 0x7F],
        "digit": [0x30 ... 0x39],
        "graph": [0x21 ... 0x7E],
        "lower": [0x61 ... 0x7A],
        "print": [0x20 ... 0x7E],
        "punct": [0x21 ... 0x2F, 0x3A ... 0x40, 0x5B ... 0x60, 0x7B ... 0x7E],
        "space": [0x09 ... 0x0D, 0x20 ... 0x20],
        "upper": [0x41 ... 0x5A],
        "word": [0x30 ... 0x39, 0x41 ... 0x5A, 0x5F ... 0x5F, 0x61 ... 0x7A],
        "xdigit": [0x30 ... 0x39, 0x41 ... 0x46, 0x61 ... 0x66],
    ]

    /// The mask of a class such as `L` or `Lu` after `\p`; `nil` for one that is not known. Scripts are not.
    static func categories(named name: String) -> UInt32? {
        if name == "Any" { return .max }
        let members = Unicode.GeneralCategory.names.filter { $0.name.hasPrefix(name) }
        guard (1 ... 2).contains(name.unicodeScalars.count), !members.isEmpty else { return nil }
        return members.reduce(0) { $0 | $1.category.mask }
    }
}

extension Unicode.GeneralCategory {
    fileprivate static let names: [(category: Unicode.GeneralCategory, name: String)] = [
        (.uppercaseLetter, "Lu"), (.lowercaseLetter, "Ll"), (.titlecaseLetter, "Lt"), (.modifierLetter, "Lm"),
        (.otherLetter, "Lo"), (.nonspacingMark, "Mn"), (.spacingMark, "Mc"), (.enclosingMark, "Me"),
        (.decimalNumber, "Nd"), (.letterNumber, "Nl"), (.otherNumber, "No"), (.connectorPunctuation, "Pc"),
        (.dashPunctuation, "Pd"), (.openPunctuation, "Ps"), (.closePunctuation, "Pe"), (.initialPunctuation, "Pi"),
        (.finalPunctuation, "Pf"), (.otherPunctuation, "Po"), (.mathSymbol, "Sm"), (.currencySymbol, "Sc"),
        (.modifierSymbol, "Sk"), (.otherSymbol, "So"), (.spaceSeparator, "Zs"), (.lineSeparator, "Zl"),
        (.paragraphSeparator, "Zp"), (.control, "Cc"), (.format, "Cf"), (.surrogate, "Cs"), (.privateUse, "Co"),
    ]

    private static let masks: [Unicode.GeneralCategory: UInt32] = Dictionary(
        uniqueKeysWithValues: names.enumerated().map { ($1.category, 1 << UInt32($0)) })

    fileprivate var mask: UInt32 { Self.masks[self] ?? 1 << 31 }
}

extension Unicode.Scalar {
    /// This character in the case that stands for all of them: small, of the capital letter.
    var folded: Unicode.Scalar {
        if isASCII { return value &- 0x41 < 26 ? Unicode.Scalar(UInt8(value) | 0x20) : self }
        // The dotless i is a letter of its own, although its capital is I.
        if value == 0x131 { return self }
        return upper.lower
    }

    /// The characters that differ from this one in case only.
    fileprivate var cases: [Unicode.Scalar] {
        if value == 0x131 || value == 0x130 { return [self] }
        return [self, lower, upper, folded]
    }

    private var upper: Unicode.Scalar { single(properties.uppercaseMapping) }
    private var lower: Unicode.Scalar { single(properties.lowercaseMapping) }

    /// A mapping to more than one character is none here.
    private func single(_ mapping: String) -> Unicode.Scalar {
        let scalars = mapping.unicodeScalars
        guard let first = scalars.first, scalars.count == 1 else { return self }
        return first
    }
}
