// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The name of a service. Its case is kept for display; two names that differ only in ASCII case are the same service,
/// as in DNS and Eureka. Other bytes are compared as they are.
public struct ServiceName: Sendable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The name as it was first written.
    public let value: String

    /// Wraps `value` as it is. A name from outside is checked by ``Registration/validate(limits:)``.
    public init(_ value: String) {
        self.value = value
    }

    public init(stringLiteral value: String) {
        self.init(value)
    }

    public var description: String { value }

    /// The name in lower case: equal for equal names.
    public var folded: String {
        value.utf8.contains(where: { $0 &- 0x41 < 26 })
            ? String(decoding: value.utf8.map(asciiFolded), as: UTF8.self) : value
    }
}

extension ServiceName: Hashable {
    public static func == (left: ServiceName, right: ServiceName) -> Bool {
        if haveEqualBytes(left.value, right.value) { return true }
        guard left.value.utf8.count == right.value.utf8.count else { return false }
        return left.value.utf8.elementsEqual(right.value.utf8) { asciiFolded($0) == asciiFolded($1) }
    }

    public static func < (left: ServiceName, right: ServiceName) -> Bool {
        left.value.utf8.lexicographicallyPrecedes(right.value.utf8) { asciiFolded($0) < asciiFolded($1) }
    }

    public func hash(into hasher: inout Hasher) {
        // Eight folded bytes at a time: names are hashed at each look-up, and a call a byte is what costs.
        var word: UInt64 = 0
        var count: UInt64 = 0
        for byte in value.utf8 {
            word = word &<< 8 | UInt64(asciiFolded(byte))
            count &+= 1
            if count & 7 == 0 {
                hasher.combine(word)
                word = 0
            }
        }
        hasher.combine(word)
        hasher.combine(count)
    }
}

/// `byte` with A-Z turned into a-z and everything else unchanged.
@inline(__always)
func asciiFolded(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}
