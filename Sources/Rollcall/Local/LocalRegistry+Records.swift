// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

extension LocalRegistry: RecordStore {
    public var records: (any RecordStore)? { self }

    public func records(in space: String) -> [Record] { recoveredRecords.take(space) }

    @discardableResult
    public func commit(revisions count: Int, _ make: @escaping @Sendable (Revision) -> [RecordWrite])
        async throws(RegistryError) -> Revision
    {
        precondition(count > 0, "a commit of records takes at least one revision")
        let reply = try await queue.submit(.records(UInt64(count), make), "commit of records")
        guard case .committed(let first) = reply else { preconditionFailure("a commit was answered \(reply)") }
        return first
    }
}

/// The records of a start that nobody has asked for yet.
final class RecoveredRecords: Sendable {
    private let spaces: Mutex<[String: [Record]]>

    init(_ records: [Record]) {
        spaces = Mutex(Dictionary(grouping: records, by: \.key.space))
    }

    func take(_ space: String) -> [Record] {
        spaces.withLock { $0.removeValue(forKey: space) } ?? []
    }
}
