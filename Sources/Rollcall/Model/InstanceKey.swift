// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Identifies an instance among those of its service; `host:port` by convention when nobody chose one.
///
/// Two identifiers are equal when they have the same bytes: é and e with a combining accent are two, as they are in a
/// URL and in storage.
public struct InstanceID: Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// As it was registered: neither folded nor normalized.
    public let value: String

    /// Wraps `value` as it is. An identifier from outside is checked by ``Registration/validate(limits:)``.
    public init(_ value: String) {
        self.value = value
    }

    public init(stringLiteral value: String) {
        self.init(value)
    }

    public var description: String { value }

    public static func == (left: InstanceID, right: InstanceID) -> Bool { haveEqualBytes(left.value, right.value) }

    /// By their bytes.
    public static func < (left: InstanceID, right: InstanceID) -> Bool {
        left.value.utf8.lexicographicallyPrecedes(right.value.utf8)
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytesOf: value) }
}

/// The identity of an instance in a registry.
public struct InstanceKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The case of its letters does not count.
    public let service: ServiceName
    /// Unique within the service only.
    public let id: InstanceID

    /// Names an instance, whether there is one or not.
    public init(_ service: ServiceName, _ id: InstanceID) {
        self.service = service
        self.id = id
    }

    public var description: String { "\(service)/\(id)" }

    public static func < (left: InstanceKey, right: InstanceKey) -> Bool {
        left.service == right.service ? left.id < right.id : left.service < right.service
    }
}

/// Which life of an instance is meant. It grows each time an identity begins a new life, so that a late write of a
/// former life can be told apart and has no effect.
public struct Incarnation: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Comparable within one identity only. The registry chooses it unless the caller named one.
    public let value: UInt64

    /// The highest that a caller may name for a new life: there is always a higher one for the next, and it fits the
    /// signed 64 bits of other systems.
    public static let highestNamed = Incarnation(UInt64(Int64.max))

    /// Wraps a number that a registry gave out, or one that counts the lives of an instance elsewhere.
    public init(_ value: UInt64) {
        self.value = value
    }

    public var description: String { String(value) }

    public static func < (left: Incarnation, right: Incarnation) -> Bool { left.value < right.value }
}

/// The number of a change. Revisions grow by each change, survive restarts of a durable engine and never go backwards.
public struct Revision: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Comparable within one engine only. Not every number occurs.
    public let value: UInt64

    /// Before the first change.
    public static let zero = Revision(0)

    /// Wraps a number that an engine gave out.
    public init(_ value: UInt64) {
        self.value = value
    }

    public var description: String { String(value) }

    /// The revision of the next change.
    public var next: Revision { Revision(value + 1) }

    public static func < (left: Revision, right: Revision) -> Bool { left.value < right.value }
}
