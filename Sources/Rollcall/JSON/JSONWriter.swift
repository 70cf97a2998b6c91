// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Appends JSON text to an array of bytes and places the commas.
///
/// The caller keeps the order right: every `begin` has its `end`, and in an object each ``key(_:)-(StaticString)`` is
/// followed by exactly one value. Debug builds check the nesting.
public struct JSONWriter: Sendable {
    /// The text so far.
    public private(set) var bytes: [UInt8]

    private var needsComma = false
    private var depth = 0

    /// - Parameter capacity: How many bytes to make room for at once.
    public init(capacity: Int = 0) {
        bytes = []
        if capacity > 0 { bytes.reserveCapacity(capacity) }
    }

    /// Writes `{`; members follow, each as a ``key(_:)-(StaticString)`` and a value.
    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    /// Writes the `}` of the object that was begun last.
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    /// Writes `[`; values follow.
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    /// Writes the `]` of the array that was begun last.
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Begins a member whose name is known to contain nothing that needs an escape.
    public mutating func key(_ name: StaticString) {
        name.withUTF8Buffer { appendQuoted(UnsafeRawBufferPointer($0), isKey: true) }
    }

    /// Begins a member named by a text that is escaped as needed.
    @_disfavoredOverload
    public mutating func key(_ name: String) {
        var name = name
        name.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0), isKey: true) }
    }

    /// Writes a string; `"`, `\` and control characters are escaped, all else is written as UTF-8.
    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { appendEscaped(UnsafeRawBufferPointer($0), isKey: false) }
    }

    /// Writes an integer of any width.
    @inlinable
    public mutating func integer(_ value: some FixedWidthInteger) {
        if let value = Int64(exactly: value) {
            decimal(value.magnitude, isNegative: value < 0)
        } else if let value = UInt64(exactly: value) {
            decimal(value, isNegative: false)
        } else {
            token(String(value))
        }
    }

    /// Writes a number with the fewest digits that read back as the same number; null for one that is not finite, which
    /// JSON cannot express.
    public mutating func number(_ value: Double) {
        if value.isFinite { token(value.description) } else { null() }
    }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { token(value ? "true" : "false") }
    /// Writes `null`.
    public mutating func null() { token("null") }

    /// Writes one complete value that is already valid JSON, as it is.
    public mutating func raw(_ json: [UInt8]) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }
}

// MARK: - Members in one call

extension JSONWriter {
    /// Writes a member with a string.
    public mutating func field(_ name: StaticString, _ value: String) {
        key(name)
        string(value)
    }

    /// Writes a member with true or false.
    public mutating func field(_ name: StaticString, _ value: Bool) {
        key(name)
        bool(value)
    }

    /// Writes a member with a number.
    public mutating func field(_ name: StaticString, _ value: Double) {
        key(name)
        number(value)
    }

    /// Writes a member with an integer.
    @inlinable
    public mutating func field(_ name: StaticString, _ value: some FixedWidthInteger) {
        key(name)
        integer(value)
    }
}

// MARK: - Bytes

extension JSONWriter {
    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        depth += 1
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        depth -= 1
        assert(depth >= 0, "an object or array was ended that was not begun")
        bytes.append(bracket)
        needsComma = true
    }

    /// Writes a value that is ASCII text.
    @usableFromInline
    mutating func token(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    @usableFromInline
    mutating func decimal(_ magnitude: UInt64, isNegative: Bool) {
        // A comma, a sign and 20 digits, from the back.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 22) { digits in
            var index = 22
            var rest = magnitude
            repeat {
                index -= 1
                digits[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                rest /= 10
            } while rest > 0
            if isNegative {
                index -= 1
                digits[index] = UInt8(ascii: "-")
            }
            if needsComma {
                index -= 1
                digits[index] = UInt8(ascii: ",")
            }
            bytes.append(contentsOf: UnsafeMutableBufferPointer(rebasing: digits[index...]))
        }
        needsComma = true
    }

    /// Writes a string that needs no escape, with the comma before it and the colon after a key.
    private mutating func appendQuoted(_ text: UnsafeRawBufferPointer, isKey: Bool) {
        // Each append to an array costs far more than the byte it appends, so short texts are put together first.
        if text.count <= Self.shortCountMax {
            withUnsafeTemporaryAllocation(byteCount: Self.shortCountMax + 4, alignment: 1) { joined in
                var count = 0
                if needsComma {
                    joined[0] = UInt8(ascii: ",")
                    count = 1
                }
                joined[count] = UInt8(ascii: "\"")
                count += 1
                UnsafeMutableRawBufferPointer(rebasing: joined[count...]).copyMemory(from: text)
                count += text.count
                joined[count] = UInt8(ascii: "\"")
                count += 1
                if isKey {
                    joined[count] = UInt8(ascii: ":")
                    count += 1
                }
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: joined[..<count]))
            }
        } else {
            separate()
            bytes.append(UInt8(ascii: "\""))
            bytes.append(contentsOf: text)
            bytes.append(UInt8(ascii: "\""))
            if isKey { bytes.append(UInt8(ascii: ":")) }
        }
        needsComma = !isKey
    }

    private static var shortCountMax: Int { 124 }

    /// Writes any string.
    private mutating func appendEscaped(_ text: UnsafeRawBufferPointer, isKey: Bool) {
        var index = Self.endOfPlainRun(text, from: 0)
        guard index < text.count else { return appendQuoted(text, isKey: isKey) }
        separate()
        bytes.append(UInt8(ascii: "\""))
        var runStart = 0
        while index < text.count {
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[runStart ..< index]))
            appendEscape(text[index])
            runStart = index + 1
            index = Self.endOfPlainRun(text, from: runStart)
        }
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[runStart...]))
        bytes.append(UInt8(ascii: "\""))
        if isKey { bytes.append(UInt8(ascii: ":")) }
        needsComma = !isKey
    }

    /// The index of the first byte at or after `start` that needs an escape, or the count; eight bytes at a time.
    @inline(__always)
    private static func endOfPlainRun(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        var index = start
        while text.count - index >= 8 {
            let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let quotes = word ^ (ones &* 0x22)
            let backslashes = word ^ (ones &* 0x5C)
            // As in `JSONReader`: a byte less than a bound, exact up to the lowest hit.
            let special =
                ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
                | ((word &- ones &* 0x20) & ~word)
            if special & (ones &* 0x80) != 0 { return index + (special & (ones &* 0x80)).trailingZeroBitCount / 8 }
            index += 8
        }
        while index < text.count {
            let byte = text[index]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 { break }
            index += 1
        }
        return index
    }

    private mutating func appendEscape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case ..<0x20:
            let digits: StaticString = "0123456789abcdef"
            bytes.append(contentsOf: "u00".utf8)
            digits.withUTF8Buffer { bytes.append(contentsOf: [$0[Int(byte >> 4)], $0[Int(byte & 0x0F)]]) }
        default: bytes.append(byte)
        }
    }
}
