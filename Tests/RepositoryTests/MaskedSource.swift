// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The text of a Swift file in which comments and the contents of strings are blanks, so that braces and keywords in it
/// are the language's own. Every byte keeps its place, and every line its number.
struct MaskedSource {
    private(set) var bytes: [UInt8]
    private var position = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
        mask(until: nil)
    }

    /// Masks code up to the parenthesis that closes an interpolation, or to the end.
    private mutating func mask(until end: UInt8?) {
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"):
                while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank() }
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"):
                maskBlockComment()
            case UInt8(ascii: "\""), UInt8(ascii: "#"):
                maskString()
            case UInt8(ascii: "("):
                depth += 1
                position += 1
            case UInt8(ascii: ")"):
                if depth == 0, end != nil { return }
                depth -= 1
                position += 1
            default:
                position += 1
            }
        }
    }

    private mutating func maskBlockComment() {
        var depth = 0
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                depth += 1
                blank(2)
            } else if bytes[position] == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                depth -= 1
                blank(2)
                if depth == 0 { return }
            } else {
                blank()
            }
        }
    }

    /// A string with its delimiters; a `#` that begins none is passed over.
    private mutating func maskString() {
        var pounds = 0
        while peek(pounds) == UInt8(ascii: "#") { pounds += 1 }
        guard peek(pounds) == UInt8(ascii: "\"") else {
            position += max(1, pounds)
            return
        }
        let isLong = peek(pounds + 1) == UInt8(ascii: "\"") && peek(pounds + 2) == UInt8(ascii: "\"")
        let quotes = isLong ? 3 : 1
        blank(pounds + quotes)
        while position < bytes.count {
            if isAt("\\", times: 1), isAt("#", times: pounds, after: 1) {
                blank(1 + pounds)
                if peek(0) == UInt8(ascii: "(") {
                    blank()
                    let start = position
                    mask(until: UInt8(ascii: ")"))
                    for index in start ..< position where bytes[index] != UInt8(ascii: "\n") { bytes[index] = 0x20 }
                }
                blank()
            } else if isAt("\"", times: quotes), isAt("#", times: pounds, after: quotes) {
                blank(quotes + pounds)
                return
            } else {
                blank()
            }
        }
    }

    private func peek(_ offset: Int) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    private func isAt(_ character: Unicode.Scalar, times: Int, after offset: Int = 0) -> Bool {
        (0 ..< times).allSatisfy { peek(offset + $0) == UInt8(ascii: character) }
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0 ..< count where position < bytes.count {
            if bytes[position] != UInt8(ascii: "\n") { bytes[position] = 0x20 }
            position += 1
        }
    }
}
