// SPDX-License-Identifier: Apache-2.0
// Rollcall

// Literals as Go's `strconv` writes and reads them, whose rules and error texts are part of the filter language.

/// `text` in double quotes, as `%q` prints it.
func goQuoted(_ text: String) -> String { goQuoted(Array(text.utf8)) }

/// Bytes that need not be UTF-8, as `%q` prints them.
func goQuoted(_ bytes: [UInt8]) -> String {
    var quoted = "\""
    var rest = bytes[...]
    while let first = rest.first {
        guard let scalar = firstScalar(rest) else {
            quoted += "\\x" + hexadecimal(UInt32(first), digits: 2)
            rest = rest.dropFirst()
            continue
        }
        rest = rest.dropFirst(UTF8.width(scalar))
        switch scalar {
        case "\"", "\\":
            quoted += "\\"
            quoted.unicodeScalars.append(scalar)
        case "\u{07}": quoted += "\\a"
        case "\u{08}": quoted += "\\b"
        case "\u{0C}": quoted += "\\f"
        case "\n": quoted += "\\n"
        case "\r": quoted += "\\r"
        case "\t": quoted += "\\t"
        case "\u{0B}": quoted += "\\v"
        default:
            if isPrinted(scalar) {
                quoted.unicodeScalars.append(scalar)
            } else if scalar.value < 0x80 {
                quoted += "\\x" + hexadecimal(scalar.value, digits: 2)
            } else if scalar.value < 0x10000 {
                quoted += "\\u" + hexadecimal(scalar.value, digits: 4)
            } else {
                quoted += "\\U" + hexadecimal(scalar.value, digits: 8)
            }
        }
    }
    return quoted + "\""
}

/// The bytes that a literal in double quotes or backquotes stands for; `nil` when it is none.
func goUnquoted(_ literal: ArraySlice<UInt8>) -> [UInt8]? {
    guard literal.count >= 2, let quote = literal.first, literal.last == quote else { return nil }
    var rest = literal.dropFirst().dropLast()
    // Carriage returns have no place in raw text.
    if quote == UInt8(ascii: "`") { return rest.filter { $0 != 0x0D } }
    var bytes: [UInt8] = []
    while let byte = rest.popFirst() {
        switch byte {
        case 0x0A, quote: return nil
        case UInt8(ascii: "\\"): guard unescape(&rest, into: &bytes) else { return nil }
        default: bytes.append(byte)
        }
    }
    return bytes
}

private func unescape(_ rest: inout ArraySlice<UInt8>, into bytes: inout [UInt8]) -> Bool {
    guard let escape = rest.popFirst() else { return false }
    switch escape {
    case UInt8(ascii: "a"): bytes.append(0x07)
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "v"): bytes.append(0x0B)
    case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes.append(escape)
    case UInt8(ascii: "x"):
        guard let value = number(&rest, digits: 2, radix: 16) else { return false }
        bytes.append(UInt8(truncatingIfNeeded: value))
    case UInt8(ascii: "0") ... UInt8(ascii: "7"):
        guard let low = number(&rest, digits: 2, radix: 8) else { return false }
        let value = UInt32(escape - 0x30) * 64 + low
        guard value < 256 else { return false }
        bytes.append(UInt8(value))
    case UInt8(ascii: "u"), UInt8(ascii: "U"):
        let count = escape == UInt8(ascii: "u") ? 4 : 8
        guard let value = number(&rest, digits: count, radix: 16), let scalar = Unicode.Scalar(value) else {
            return false
        }
        bytes += UTF8.encode(scalar).map(Array.init) ?? []
    default: return false
    }
    return true
}

private func number(_ rest: inout ArraySlice<UInt8>, digits: Int, radix: Int) -> UInt32? {
    let text = rest.prefix(digits)
    guard text.count == digits, text.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else {
        return nil
    }
    rest = rest.dropFirst(digits)
    return UInt32(String(decoding: text, as: UTF8.self), radix: radix)
}

/// The first character, when the bytes begin with one.
private func firstScalar(_ bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    if case .scalarValue(let scalar) = decoder.decode(&iterator) { return scalar }
    return nil
}

/// Letters, marks, numbers, punctuation, symbols and the plain space.
private func isPrinted(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return (0x20 ..< 0x7F).contains(scalar.value) }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
        .paragraphSeparator:
        return false
    default: return true
    }
}

private func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}

// MARK: - Numbers and truth values

/// Why a text is no number.
struct GoNumberError: Error, CustomStringConvertible {
    let function: String
    let text: [UInt8]
    let problem: String

    var description: String { "strconv.\(function): parsing \(goQuoted(text)): \(problem)" }
}

/// An integer of 64 bits with an optional sign, a prefix for its base (`0x`, `0o` or `0`, `0b`) and underscores between
/// digits where there is a prefix.
func goInteger(_ text: [UInt8]) throws(GoNumberError) -> Int64 {
    let wrong = GoNumberError(function: "ParseInt", text: text, problem: "invalid syntax")
    var rest = text[...]
    var isNegative = false
    if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") {
        isNegative = sign == UInt8(ascii: "-")
        rest = rest.dropFirst()
    }
    let (radix, prefix) = base(of: rest)
    guard !rest.isEmpty else { throw wrong }
    rest = rest.dropFirst(prefix)
    var value: UInt64 = 0
    var isTooLarge = false
    // An underscore has to stand between a prefix or a digit, and a digit.
    var isAfterDigit = prefix > 0
    for byte in rest {
        if byte == UInt8(ascii: "_") {
            guard prefix > 0, isAfterDigit else { throw wrong }
            isAfterDigit = false
            continue
        }
        guard let digit = Character(UnicodeScalar(byte)).hexDigitValue, digit < radix else { throw wrong }
        let (product, overflow) = value.multipliedReportingOverflow(by: radix)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
        value = sum
        isTooLarge = isTooLarge || overflow || carry
        isAfterDigit = true
    }
    guard isAfterDigit else { throw wrong }
    let limit = UInt64(Int64.max) + (isNegative ? 1 : 0)
    guard !isTooLarge, value <= limit else {
        throw GoNumberError(function: "ParseInt", text: text, problem: "value out of range")
    }
    return isNegative ? Int64(truncatingIfNeeded: 0 &- value) : Int64(value)
}

/// The base that a number without its sign is written in, and how many bytes say so.
private func base(of digits: ArraySlice<UInt8>) -> (radix: UInt64, prefix: Int) {
    guard digits.first == UInt8(ascii: "0") else { return (10, 0) }
    guard digits.count > 2, let letter = digits.dropFirst().first else { return (8, 1) }
    switch letter | 0x20 {
    case UInt8(ascii: "x"): return (16, 2)
    case UInt8(ascii: "o"): return (8, 2)
    case UInt8(ascii: "b"): return (2, 2)
    default: return (8, 1)
    }
}

func goBool(_ text: [UInt8]) throws(GoNumberError) -> Bool {
    switch String(decoding: text, as: UTF8.self) {
    case "1", "t", "T", "TRUE", "true", "True": return true
    case "0", "f", "F", "FALSE", "false", "False": return false
    default: throw GoNumberError(function: "ParseBool", text: text, problem: "invalid syntax")
    }
}
