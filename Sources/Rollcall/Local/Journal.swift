// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Where a ``LocalRegistry`` keeps what must survive its process.
///
/// **Contract.** The registry calls one method at a time. ``append(_:)`` returns after the whole batch is durable; when
/// it throws, nothing of the batch may be found by a later start.
public protocol Journal: Sendable {
    /// Makes a batch durable, all or nothing.
    ///
    /// - Throws: `storageFull` or `storage`; the registry answers the writes of the batch with it.
    func append(_ batch: JournalBatch) async throws(RegistryError)

    /// Releases the storage after a last batch.
    func close() async
}

/// What has to be made durable together.
public struct JournalBatch: Sendable {
    /// Instances to be stored under their keys, in place of what was there.
    public var stored: [ServiceInstance] = []
    /// Instances to be forgotten. No key is in both lists.
    public var removed: [InstanceKey] = []
    /// Records to be stored or forgotten. No key is in it twice.
    public var records: [RecordWrite] = []
    /// When not `nil`: no revision above this one is given out before a higher one was made durable. A start begins
    /// above it, so that revisions never go backwards although most changes are not written.
    public var revisionCeiling: Revision?

    /// A batch with nothing to store.
    public init() {}

    /// Whether nothing has to be made durable.
    public var isEmpty: Bool {
        stored.isEmpty && removed.isEmpty && records.isEmpty && revisionCeiling == nil
    }
}

/// What a journal held at its start.
public struct RecoveredState: Sendable {
    /// In any order, each key once, with leases as they were when they were stored.
    public var instances: [ServiceInstance]
    /// In any order, each key once.
    public var records: [Record]
    /// No higher revision was given out before.
    public var revision: Revision

    /// - Parameter revision: Not lower than that of any instance.
    public init(instances: [ServiceInstance] = [], records: [Record] = [], revision: Revision = .zero) {
        self.instances = instances
        self.records = records
        self.revision = revision
    }

    /// The state of a registry that begins anew: nothing, at a revision that no earlier registry has given out.
    ///
    /// A client may hold a revision of a registry that was lost, such as one in memory before a restart. Counted from 0
    /// again, the new registry would one day pass that revision and take the client for one that knows its changes.
    /// A thousand revisions for each millisecond since 1970 are more than any registry uses up: this one begins above
    /// all of the lost one.
    public static func begun(at wallTime: WallTime) -> RecoveredState {
        RecoveredState(revision: Revision(UInt64(max(0, wallTime.millisecondsSinceEpoch)) * 1000))
    }
}
