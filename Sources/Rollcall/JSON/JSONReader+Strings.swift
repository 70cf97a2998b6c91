// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension JSONReader {
    /// Where a string's contents lie, quotes excluded. They were checked: UTF-8 and escapes are valid.
    struct StringToken {
        var start: Int
        var end: Int
        var hasEscapes: Bool
    }

    /// Reads a string.
    ///
    /// - Throws: If the value is no string, is not valid UTF-8, contains a bare control character, or escapes half of a
    ///   surrogate pair.
    public mutating func string() throws(JSONError) -> String {
        guard byte(at: position) == UInt8(ascii: "\"") else { throw expected("a string") }
        let token = try scanString()
        if token.hasEscapes { return String(decoding: unescaped(token), as: UTF8.self) }
        return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[token.start ..< token.end]), as: UTF8.self)
    }

    /// Reads a string, or null as nil.
    public mutating func stringOrNull() throws(JSONError) -> String? {
        guard isNull() else {
            guard byte(at: position) == UInt8(ascii: "\"") else { throw expected("a string or null") }
            return try string()
        }
        try null()
        return nil
    }

    /// Moves behind the string whose opening quote the reader stands before.
    mutating func scanString() throws(JSONError) -> StringToken {
        let quote = position
        let start = position + 1
        var hasEscapes = false
        position = start
        while true {
            skipPlainASCII()
            let found = byte(at: position)
            switch found {
            case UInt8(ascii: "\""):
                position += 1
                return StringToken(start: start, end: position - 1, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try skipEscape()
            case 0x80...:
                repeat { try skipMultibyteScalar() } while byte(at: position) >= 0x80
            default:
                guard position < bytes.count else {
                    throw JSONError(offset: quote, message: "expected a string, found one without a closing quote")
                }
                throw JSONError(
                    offset: position,
                    message: "expected a control character in a string to be escaped, found \(Self.shown(found))")
            }
        }
    }

    /// Moves to the next byte that is not an ordinary ASCII character of a string, eight bytes at a time.
    @inline(__always)
    private mutating func skipPlainASCII() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones &* 0x80
        while bytes.count - position >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let quotes = word ^ (ones &* 0x22)
            let backslashes = word ^ (ones &* 0x5C)
            // "Determine if a word has a byte less than n" (Bit Twiddling Hacks): exact up to its lowest hit, which is
            // the only one that is used.
            let controls = (word &- ones &* 0x20) & ~word
            let marks = ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
            let special = (marks | controls | word) & highs
            if special != 0 {
                position += special.trailingZeroBitCount / 8
                return
            }
            position += 8
        }
        while position < bytes.count {
            switch bytes[position] {
            case 0x22, 0x5C, ..<0x20, 0x80...: return
            default: position += 1
            }
        }
    }

    /// Moves behind one character of two to four bytes (table 3-7 of the Unicode standard).
    private mutating func skipMultibyteScalar() throws(JSONError) {
        let second = byte(at: position + 1)
        let length: Int
        switch byte(at: position) {
        case 0xC2 ... 0xDF: length = isContinuation(second) ? 2 : 0
        case 0xE0: length = (0xA0 ... 0xBF).contains(second) ? 3 : 0
        case 0xED: length = (0x80 ... 0x9F).contains(second) ? 3 : 0
        case 0xE1 ... 0xEF: length = isContinuation(second) ? 3 : 0
        case 0xF0: length = (0x90 ... 0xBF).contains(second) ? 4 : 0
        case 0xF1 ... 0xF3: length = isContinuation(second) ? 4 : 0
        case 0xF4: length = (0x80 ... 0x8F).contains(second) ? 4 : 0
        default: length = 0
        }
        guard length > 0, length < 3 || isContinuation(byte(at: position + 2)),
            length < 4 || isContinuation(byte(at: position + 3))
        else {
            throw JSONError(
                offset: position, message: "expected valid UTF-8, found \(Self.shown(byte(at: position))) out of place")
        }
        position += length
    }

    private func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    /// Moves behind one escape; behind two if they are a surrogate pair.
    private mutating func skipEscape() throws(JSONError) {
        let start = position
        switch byte(at: start + 1) {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position = start + 2
        case UInt8(ascii: "u"):
            guard let unit = hexadecimal(at: start + 2) else {
                throw JSONError(offset: start, message: "expected four hexadecimal digits after \\u")
            }
            position = start + 6
            guard unit & 0xF800 == 0xD800 else { return }
            guard unit < 0xDC00, byte(at: position) == UInt8(ascii: "\\"), byte(at: position + 1) == UInt8(ascii: "u"),
                let low = hexadecimal(at: position + 2), low & 0xFC00 == 0xDC00
            else { throw JSONError(offset: start, message: "expected a surrogate pair, found half of one") }
            position = start + 12
        default:
            throw JSONError(offset: start, message: "expected one of \"\\/bfnrtu after a backslash in a string")
        }
    }

    /// The four hexadecimal digits at `index` as a number; nil if they are not.
    private func hexadecimal(at index: Int) -> UInt32? {
        var value: UInt32 = 0
        for offset in 0 ..< 4 {
            let digit = byte(at: index + offset)
            switch digit {
            case UInt8(ascii: "0") ... UInt8(ascii: "9"): value = value << 4 | UInt32(digit & 0x0F)
            case UInt8(ascii: "a") ... UInt8(ascii: "f"), UInt8(ascii: "A") ... UInt8(ascii: "F"):
                value = value << 4 | UInt32((digit & 0x0F) + 9)
            default: return nil
            }
        }
        return value
    }

    /// The contents of a checked string with its escapes replaced: valid UTF-8.
    func unescaped(_ token: StringToken) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(token.end - token.start)
        var index = token.start
        while index < token.end {
            let current = bytes[index]
            guard current == UInt8(ascii: "\\") else {
                result.append(current)
                index += 1
                continue
            }
            let escape = byte(at: index + 1)
            index += 2
            switch escape {
            case UInt8(ascii: "b"): result.append(0x08)
            case UInt8(ascii: "f"): result.append(0x0C)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "u"):
                var value = hexadecimal(at: index) ?? 0
                index += 4
                if value & 0xFC00 == 0xD800, let low = hexadecimal(at: index + 2) {
                    value = 0x10000 + ((value & 0x3FF) << 10 | (low & 0x3FF))
                    index += 6
                }
                result.append(contentsOf: String(UnicodeScalar(value) ?? "\u{FFFD}").utf8)
            default: result.append(escape)
            }
        }
        return result
    }
}
