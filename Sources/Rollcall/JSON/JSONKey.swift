// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The name of an object's member while it is read: compared with a literal, `key == "service"` or
/// `case "service":`, without making a `String`.
///
/// Names of up to 32 bytes are held in place; only longer ones cost an allocation.
public struct JSONKey: Sendable, CustomStringConvertible {
    private typealias Words = (UInt64, UInt64, UInt64, UInt64)

    /// The length of the name in bytes of UTF-8.
    public let utf8Count: Int
    private var words: Words = (0, 0, 0, 0)
    private var long: String?

    /// - Parameter bytes: Valid UTF-8.
    init(_ bytes: UnsafeRawBufferPointer) {
        utf8Count = bytes.count
        if bytes.count <= MemoryLayout<Words>.size {
            withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes) }
        } else {
            long = String(decoding: bytes, as: UTF8.self)
        }
    }

    /// The name.
    public var string: String {
        if let long { return long }
        return withUnsafeBytes(of: words) { String(decoding: $0.prefix(utf8Count), as: UTF8.self) }
    }

    public var description: String { string }

    /// Whether the name is `name`, byte by byte.
    @inlinable
    public static func == (key: JSONKey, name: StaticString) -> Bool {
        // The length tells most names apart, and the literal's is known to the compiler.
        key.utf8Count == name.utf8CodeUnitCount && key.hasBytes(of: name)
    }

    /// Whether the name differs from `name` in any byte.
    @inlinable
    public static func != (key: JSONKey, name: StaticString) -> Bool { !(key == name) }

    /// Lets a `switch` over a key name its cases with literals.
    @inlinable
    public static func ~= (name: StaticString, key: JSONKey) -> Bool { key == name }

    @usableFromInline
    func hasBytes(of name: StaticString) -> Bool {
        name.withUTF8Buffer { expected in
            guard expected.count == utf8Count else { return false }
            if let long { return long.utf8.elementsEqual(expected) }
            return withUnsafeBytes(of: words) { own in
                for index in 0 ..< expected.count where own[index] != expected[index] { return false }
                return true
            }
        }
    }
}
