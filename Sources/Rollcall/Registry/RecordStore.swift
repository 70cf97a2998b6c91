// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a dialect keeps durably that is no instance, such as the entries of a key-value store, among the other records
/// of its `space`.
///
/// Two keys are equal when their texts have the same bytes.
public struct RecordKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Who the record belongs to, such as `consul.kv`. A dialect owns the spaces that begin with its name.
    public let space: String
    /// Unique in its space. Only its bytes count: it is neither folded nor normalized.
    public let name: String

    /// Names a record, whether there is one or not.
    public init(space: String, name: String) {
        self.space = space
        self.name = name
    }

    public var description: String { "\(space)/\(name)" }

    public static func == (left: RecordKey, right: RecordKey) -> Bool {
        haveEqualBytes(left.name, right.name) && haveEqualBytes(left.space, right.space)
    }

    /// By the bytes of the space, then of the name.
    public static func < (left: RecordKey, right: RecordKey) -> Bool {
        if haveEqualBytes(left.space, right.space) { return left.name.utf8.lexicographicallyPrecedes(right.name.utf8) }
        return left.space.utf8.lexicographicallyPrecedes(right.space.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(bytesOf: space)
        hasher.combine(bytesOf: name)
    }
}

/// A key and what is stored under it.
public struct Record: Sendable, Hashable {
    /// What it is found by.
    public let key: RecordKey
    /// Means something to its owner only.
    public let body: [UInt8]

    /// A record as it was stored.
    public init(key: RecordKey, body: [UInt8]) {
        self.key = key
        self.body = body
    }
}

/// What becomes of one record.
public struct RecordWrite: Sendable, Hashable {
    /// Which record.
    public let key: RecordKey
    /// Replaces what is stored; `nil` removes the record.
    public let body: [UInt8]?

    /// - Parameter body: `nil` removes the record; to remove one that is not there changes nothing.
    public init(key: RecordKey, body: [UInt8]?) {
        self.key = key
        self.body = body
    }
}

/// Where a dialect makes records durable: they share the revisions, the commits and the storage of the registry's
/// instances, so that one number orders all that a client can wait for.
///
/// Records are storage: whoever owns a space keeps what it has to know of it at hand, and is the only one that writes
/// it.
public protocol RecordStore: Sendable {
    /// The records that a start found in `space`, in no order. They are given out once: later calls return nothing, so
    /// that they are not kept in memory twice.
    func records(in space: String) -> [Record]

    /// Makes writes durable together, all or none, and returns when they are.
    ///
    /// - Parameters:
    ///   - count: So many consecutive revisions belong to this commit alone; at least 1. Nobody waits for them: the
    ///     catalog's revision moves on, and no watch is woken.
    ///   - make: Gets the first of the revisions and returns the writes, so that bodies can hold their revision. Of
    ///     several writes of one key the last one counts. It is called by the task that all writes wait for, so it must
    ///     be quick. It may be called although the commit fails then.
    /// - Returns: The first of the revisions.
    /// - Throws: `storage`, `storageFull`, `overloaded` or `closed`: nothing was changed.
    @discardableResult
    func commit(revisions count: Int, _ make: @escaping @Sendable (Revision) -> [RecordWrite])
        async throws(RegistryError) -> Revision
}
