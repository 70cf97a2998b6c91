// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension String {
    /// How many columns of a terminal this text takes: none for combining marks and controls, two for East Asian wide
    /// characters and emoji, one for the rest.
    var displayWidth: Int {
        reduce(0) { $0 + $1.displayWidth }
    }

    /// This text with control characters made visible as `?`, so that a value from the registry can neither break a
    /// line nor steer the terminal.
    var printable: String {
        guard unicodeScalars.contains(where: \.isControl) else { return self }
        var text = ""
        for scalar in unicodeScalars { text.unicodeScalars.append(scalar.isControl ? "?" : scalar) }
        return text
    }
}

extension Character {
    fileprivate var displayWidth: Int {
        guard let first = unicodeScalars.first else { return 0 }
        let isEmoji = first.properties.isEmojiPresentation || unicodeScalars.contains("\u{FE0F}")
        return isEmoji ? 2 : first.displayWidth
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { properties.generalCategory == .control }

    fileprivate var displayWidth: Int {
        switch properties.generalCategory {
        case .control, .format, .nonspacingMark, .enclosingMark: 0
        default: Self.wideRanges.contains { $0.contains(value) } ? 2 : 1
        }
    }

    /// The blocks whose East_Asian_Width is W or F (Unicode Standard Annex 11), rounded to whole blocks.
    private static let wideRanges: [ClosedRange<UInt32>] = [
        0x1100 ... 0x115F, 0x2E80 ... 0x303E, 0x3041 ... 0x33FF, 0x3400 ... 0x4DBF, 0x4E00 ... 0x9FFF,
        0xA000 ... 0xA4CF,
        0xA960 ... 0xA97F, 0xAC00 ... 0xD7A3, 0xF900 ... 0xFAFF, 0xFE30 ... 0xFE6F, 0xFF01 ... 0xFF60,
        0xFFE0 ... 0xFFE6,
        0x1B000 ... 0x1B2FF, 0x20000 ... 0x2FFFD, 0x30000 ... 0x3FFFD,
    ]
}
