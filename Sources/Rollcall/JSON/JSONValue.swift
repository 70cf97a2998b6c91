// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A JSON value as a tree, for texts that are small or rare; hot paths use ``JSONReader`` and ``JSONWriter``.
public enum JSONValue: Sendable, Hashable {
    /// The literal `null`: a value that is there, unlike a member that is missing.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without fraction and exponent that fits 64 bits; exact.
    case integer(Int64)
    /// Any other number.
    case number(Double)
    /// A text with its escapes resolved.
    case string(String)
    /// Elements in the order of the text.
    case array([JSONValue])
    /// Members in the order of the text. A name may occur twice; ``subscript(_:)-(String)`` takes the last.
    case object([JSONMember])
}

/// One name and value of an object.
public struct JSONMember: Sendable, Hashable {
    /// The name with its escapes resolved; it may be empty.
    public var key: String
    /// What stands behind the colon.
    public var value: JSONValue

    /// A member; nothing keeps an object from having two of one name.
    public init(key: String, value: JSONValue) {
        self.key = key
        self.value = value
    }
}

// MARK: - Reading

extension JSONValue {
    /// The one value in `bytes`.
    ///
    /// - Throws: If `bytes` are not one JSON text (RFC 8259), or nest deeper than `maximumDepth`.
    public static func parse(
        _ bytes: [UInt8], maximumDepth: Int = JSONReader.defaultMaximumDepth
    ) throws(JSONError) -> JSONValue {
        try JSONReader.read(bytes, maximumDepth: maximumDepth) { reader throws(JSONError) in try reader.value() }
    }
}

extension JSONReader {
    /// Reads any value as a tree.
    public mutating func value() throws(JSONError) -> JSONValue {
        switch peek() {
        case .null:
            try null()
            return .null
        case .bool: return .bool(try bool())
        case .string: return .string(try string())
        case .number:
            let token = try scanNumber()
            guard token.isInteger, !token.isTooLong else { return .number(try double(token)) }
            let sign: Int64 = token.isNegative ? -1 : 1
            let (value, overflow) = Int64(truncatingIfNeeded: token.digits).multipliedReportingOverflow(by: sign)
            if token.digits <= UInt64(Int64.max), !overflow { return .integer(value) }
            if token.isNegative, token.digits == UInt64(Int64.max) + 1 { return .integer(.min) }
            return .number(try double(token))
        case .array:
            var elements: [JSONValue] = []
            try array { reader throws(JSONError) in elements.append(try reader.value()) }
            return .array(elements)
        case .object:
            var members: [JSONMember] = []
            try object { key, reader throws(JSONError) in
                members.append(JSONMember(key: key.string, value: try reader.value()))
            }
            return .object(members)
        case nil: throw expected("a value")
        }
    }
}

// MARK: - Writing

extension JSONValue {
    /// Appends this value to what `writer` holds.
    public func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .integer(let value): writer.integer(value)
        case .number(let value): writer.number(value)
        case .string(let value): writer.string(value)
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(to: &writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for member in members {
                writer.key(member.key)
                member.value.write(to: &writer)
            }
            writer.endObject()
        }
    }
}

// MARK: - Looking inside

extension JSONValue {
    /// The value of the last member named `key`; nil without one, or if this is no object.
    public subscript(key: String) -> JSONValue? { objectValue?.last { $0.key == key }?.value }

    /// The element at `index`; nil without one, or if this is no array.
    public subscript(index: Int) -> JSONValue? {
        guard let elements = arrayValue, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// Whether this is null.
    public var isNull: Bool { self == .null }

    /// The truth value, if this is one.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The integer, if this is one or a number with the same value as one.
    public var intValue: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value)
        default: nil
        }
    }

    /// The number, if this is one; an integer beyond 2^53 is rounded.
    public var doubleValue: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The text, if this is a string.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements, if this is an array.
    public var arrayValue: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members, if this is an object.
    public var objectValue: [JSONMember]? {
        if case .object(let value) = self { value } else { nil }
    }
}
