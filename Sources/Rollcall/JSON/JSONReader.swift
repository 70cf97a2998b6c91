// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What kind of value begins at a place of a JSON text.
public enum JSONKind: Hashable, Sendable {
    /// `bool` stands for `true` and `false`; numbers of all forms are one kind.
    case null, bool, number, string, array, object
}

/// Reads a JSON text (RFC 8259, strictly) front to back without building a tree.
///
/// A reader stands before one value; each of its methods reads that value and moves behind it, or throws. The closures
/// given to ``object(_:)`` and ``array(_:)`` are called with the reader standing before a member's or element's value
/// and read it at most once. A value they leave alone is checked and skipped.
///
///     let name = try JSONReader.read(bytes) { reader throws(JSONError) in
///         var name = ""
///         try reader.object { key, reader throws(JSONError) in
///             if key == "service" { name = try reader.string() }
///         }
///         return name
///     }
///
/// Any sequence of bytes gives a value or a ``JSONError``; none traps. A name that occurs twice in an object is
/// reported twice. After an error the reader's position is unspecified and the reading ends. A reader is valid only
/// inside the closure it is lent to: do not swap those of two nested readings.
public struct JSONReader: ~Copyable {
    /// How deep arrays and objects nest at most unless the caller says otherwise.
    public static let defaultMaximumDepth = 64
    /// The highest limit that can be asked for: reading recurses, and stacks are finite.
    public static let largestMaximumDepth = 512

    // A reader cannot be copied and is only lent to closures inside `read`, while these bytes stay in place. Every
    // access goes through `byte(at:)` or compares with `bytes.count` first.
    let bytes: UnsafeRawBufferPointer
    var position = 0
    private var valueStart = 0
    private var depthLeft: Int
    private let depthMax: Int

    private init(bytes: UnsafeRawBufferPointer, maximumDepth: Int) {
        self.bytes = bytes
        self.depthMax = min(max(maximumDepth, 0), Self.largestMaximumDepth)
        self.depthLeft = depthMax
    }

    /// Reads the one value in `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: The text, in UTF-8 without a byte order mark.
    ///   - maximumDepth: How deep arrays and objects may nest, at most ``largestMaximumDepth``.
    ///   - body: Reads the value.
    /// - Returns: What `body` returns.
    /// - Throws: What `body` throws, or an error if anything but white space surrounds the value.
    public static func read<Value>(
        _ bytes: [UInt8], maximumDepth: Int = defaultMaximumDepth,
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
            try read(UnsafeRawBufferPointer(buffer), maximumDepth: maximumDepth, body)
        }
    }

    /// Reads the one value in `bytes`, which stay in place and unchanged during the call.
    public static func read<Value>(
        _ bytes: UnsafeRawBufferPointer, maximumDepth: Int = defaultMaximumDepth,
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        var reader = JSONReader(bytes: bytes, maximumDepth: maximumDepth)
        reader.skipWhitespace()
        let start = reader.position
        reader.valueStart = start
        let value = try body(&reader)
        if reader.position == start { try reader.skip() }
        reader.skipWhitespace()
        guard reader.position == bytes.count else { throw reader.expected("the end of the text") }
        return value
    }

    /// Reads an object, member by member in the order of the text.
    ///
    /// - Throws: What `body` throws, with the member's name added to its path, or an error if the object is malformed.
    public mutating func object(
        _ body: (_ key: JSONKey, _ reader: inout JSONReader) throws(JSONError) -> Void
    ) throws(JSONError) {
        let ownStart = position
        guard try enter(UInt8(ascii: "{"), "an object", closing: UInt8(ascii: "}")) else { return }
        repeat {
            let key = try memberName()
            let start = position
            valueStart = start
            do throws(JSONError) {
                try body(key, &self)
                if position == start { try skip() }
            } catch {
                throw error.inMember(key)
            }
        } while try continues(closing: UInt8(ascii: "}"), "',' or '}'")
        valueStart = ownStart
    }

    /// Reads an array, element by element.
    ///
    /// - Throws: What `body` throws, with the element's index added to its path, or an error if the array is malformed.
    public mutating func array(_ body: (_ reader: inout JSONReader) throws(JSONError) -> Void) throws(JSONError) {
        let ownStart = position
        guard try enter(UInt8(ascii: "["), "an array", closing: UInt8(ascii: "]")) else { return }
        var index = 0
        repeat {
            let start = position
            valueStart = start
            do throws(JSONError) {
                try body(&self)
                if position == start { try skip() }
            } catch {
                throw error.inElement(index)
            }
            index += 1
        } while try continues(closing: UInt8(ascii: "]"), "',' or ']'")
        valueStart = ownStart
    }

    /// The kind of the value the reader stands before, judged by its first byte; nil if no value begins here.
    public func peek() -> JSONKind? {
        switch byte(at: position) {
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        case UInt8(ascii: "-"), UInt8(ascii: "0") ... UInt8(ascii: "9"): .number
        default: nil
        }
    }

    /// Whether the value is null. Does not move: follow with ``null()``, or leave the value alone.
    public func isNull() -> Bool { peek() == .null }

    /// Reads `null`.
    public mutating func null() throws(JSONError) { try literal("null", "null") }

    /// Reads `true` or `false`.
    public mutating func bool() throws(JSONError) -> Bool {
        let isTrue = byte(at: position) == UInt8(ascii: "t")
        try literal(isTrue ? "true" : "false", "true or false")
        return isTrue
    }

    /// Reads any value and returns its bytes as they stand in the text, inner white space included.
    public mutating func rawValue() throws(JSONError) -> [UInt8] {
        let start = position
        try skip()
        return Array(bytes[start ..< position])
    }

    /// Reads any value, checks that it is well-formed, and drops it.
    public mutating func skip() throws(JSONError) {
        switch peek() {
        case .string: _ = try scanString()
        case .number: _ = try scanNumber()
        case .bool: _ = try bool()
        case .null: try null()
        case .object:
            guard try enter(UInt8(ascii: "{"), "an object", closing: UInt8(ascii: "}")) else { return }
            repeat {
                _ = try scanMemberName()
                try skip()
            } while try continues(closing: UInt8(ascii: "}"), "',' or '}'")
        case .array:
            guard try enter(UInt8(ascii: "["), "an array", closing: UInt8(ascii: "]")) else { return }
            repeat { try skip() } while try continues(closing: UInt8(ascii: "]"), "',' or ']'")
        case nil: throw expected("a value")
        }
    }

    /// An error at the value that is being read, or at the last one that was: for values that are well-formed JSON but
    /// not what the caller can use.
    public func failure(_ message: String) -> JSONError { JSONError(offset: valueStart, message: message) }
}

// MARK: - Structure

extension JSONReader {
    /// The byte at `index`; 0, which has no meaning anywhere in JSON, behind the end.
    @inline(__always)
    func byte(at index: Int) -> UInt8 { index < bytes.count ? bytes[index] : 0 }

    @inline(__always)
    mutating func skipWhitespace() {
        while true {
            switch byte(at: position) {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// Moves behind an opening bracket, to the first member or element; false if there is none and the closing bracket
    /// was read too.
    private mutating func enter(
        _ opening: UInt8, _ what: StaticString, closing: UInt8
    ) throws(JSONError) -> Bool {
        guard byte(at: position) == opening else { throw expected(what) }
        guard depthLeft > 0 else {
            throw JSONError(
                offset: position, message: "expected at most \(depthMax) nested arrays and objects, found more")
        }
        position += 1
        skipWhitespace()
        if byte(at: position) == closing {
            position += 1
            return false
        }
        depthLeft -= 1
        return true
    }

    /// Moves behind a comma, to the next member or element; false if the closing bracket was there instead.
    private mutating func continues(closing: UInt8, _ what: StaticString) throws(JSONError) -> Bool {
        skipWhitespace()
        let found = byte(at: position)
        if found == UInt8(ascii: ",") {
            position += 1
            skipWhitespace()
            return true
        }
        guard found == closing else { throw expected(what) }
        position += 1
        depthLeft += 1
        return false
    }

    /// Moves behind a member's name and colon, to its value.
    private mutating func scanMemberName() throws(JSONError) -> StringToken {
        guard byte(at: position) == UInt8(ascii: "\"") else { throw expected("a member's name in quotes") }
        let name = try scanString()
        skipWhitespace()
        guard byte(at: position) == UInt8(ascii: ":") else { throw expected("':' after a member's name") }
        position += 1
        skipWhitespace()
        return name
    }

    private mutating func memberName() throws(JSONError) -> JSONKey {
        let name = try scanMemberName()
        if name.hasEscapes {
            return unescaped(name).withUnsafeBytes { JSONKey($0) }
        }
        return JSONKey(UnsafeRawBufferPointer(rebasing: bytes[name.start ..< name.end]))
    }

    private mutating func literal(_ word: StaticString, _ what: StaticString) throws(JSONError) {
        guard stands(word) else { throw expected(what) }
        position += word.utf8CodeUnitCount
    }

    private func stands(_ word: StaticString) -> Bool {
        word.withUTF8Buffer { expected in
            for index in 0 ..< expected.count where byte(at: position + index) != expected[index] { return false }
            return true
        }
    }

    /// An error at the current position that tells what stands there.
    func expected(_ what: StaticString) -> JSONError {
        let found: String
        if position >= bytes.count {
            found = "the end of the text"
        } else {
            found =
                switch peek() {
                case .null where stands("null"): "null"
                case .bool where stands("true"): "true"
                case .bool where stands("false"): "false"
                case .number: "a number"
                case .string: "a string"
                case .array: "an array"
                case .object: "an object"
                case .null, .bool, nil: Self.shown(bytes[position])
                }
        }
        return JSONError(offset: position, message: "expected \(what), found \(found)")
    }

    /// A byte as a message shows it.
    static func shown(_ byte: UInt8) -> String {
        (0x21 ..< 0x7F).contains(byte)
            ? "'\(Character(UnicodeScalar(byte)))'" : "the byte 0x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
