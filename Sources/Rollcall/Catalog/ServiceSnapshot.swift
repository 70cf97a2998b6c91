// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Synchronization

/// The instances of one service at one revision. Immutable, and cheap to make from its predecessor: a change of one
/// instance shares all the others.
public final class ServiceSnapshot: Sendable {
    /// As it was asked for or first registered: its case may differ from that of the instances' own.
    public let service: ServiceName
    /// The revision that last changed the service.
    public let revision: Revision
    let members: TreeDictionary<InstanceID, ServiceInstance>

    private let derived = Mutex(DerivedViews())

    init(service: ServiceName, revision: Revision, members: TreeDictionary<InstanceID, ServiceInstance>) {
        self.service = service
        self.revision = revision
        self.members = members
    }

    /// A snapshot of these instances.
    public convenience init(service: ServiceName, revision: Revision, instances: some Sequence<ServiceInstance>) {
        var members = TreeDictionary<InstanceID, ServiceInstance>()
        for instance in instances { members[instance.id] = instance }
        self.init(service: service, revision: revision, members: members)
    }

    /// The instances of this snapshot that satisfy the condition, at the same revision.
    public func filtered(_ isIncluded: (ServiceInstance) -> Bool) -> ServiceSnapshot {
        ServiceSnapshot(service: service, revision: revision, members: members.filter { isIncluded($0.value) })
    }

    /// The number of instances, whatever their status.
    public var count: Int { members.count }
    /// Whether there is no instance of any status.
    public var isEmpty: Bool { members.isEmpty }

    /// The instance `id`.
    public subscript(id: InstanceID) -> ServiceInstance? { members[id] }

    /// All instances, sorted by identifier. Made at the first use and shared from then on.
    public var instances: [ServiceInstance] {
        derived.withLock { $0.sortedInstances(of: members) }
    }

    /// The instances that are `up` or `warning`, sorted by identifier.
    public var healthy: [ServiceInstance] {
        derived.withLock { derived in
            if let healthy = derived.healthy { return healthy }
            let healthy = derived.sortedInstances(of: members).filter(\.status.isHealthy)
            derived.healthy = healthy
            return healthy
        }
    }

    /// The name of a value that is computed from a snapshot at most once, such as the bytes of an encoded answer.
    public struct DerivedKey: Sendable, Hashable {
        let value: Int

        /// - Parameter value: A number that the caller gives to no other kind of value. Dialects own ranges of a
        ///   hundred: the native API 0, Consul 100, Eureka 200, DNS 300.
        public init(_ value: Int) {
            self.value = value
        }
    }

    /// The value that `make` computes from this snapshot, kept within `budget` and shared by later callers. At most
    /// `derivedLimit` values are kept with one snapshot, and none with one that has no instances.
    ///
    /// - Parameters:
    ///   - key: Names the value; always with the same type.
    ///   - budget: Of the catalog that this snapshot is from.
    ///   - size: The bytes that a value takes.
    public func derivedValue<Value: Sendable>(
        _ key: DerivedKey, within budget: DerivedBudget, size: (Value) -> Int,
        _ make: (ServiceSnapshot) throws -> Value
    ) rethrows -> Value {
        if let known: Value = derived.withLock({ $0.use(key) }) { return known }
        // Computed outside the lock: `make` may use the snapshot. Two callers may both compute; the first one is kept.
        let value = try make(self)
        let bytes = size(value)
        guard !isEmpty, budget.admits(bytes) else { return value }
        let (kept, isNew) = derived.withLock { $0.keep(value, as: key) }
        if isNew { budget.charge(service, revision, key, bytes: bytes) }
        return kept
    }

    /// Whether the value was asked for since it was kept or this was asked last.
    func wasDerivedValueUsed(_ key: DerivedKey) -> Bool { derived.withLock { $0.takeUsed(key) } }

    func dropDerivedValue(_ key: DerivedKey) { derived.withLock { $0.drop(key) } }

    static let derivedLimit = 16

    /// How many instances, how many of them healthy, and all their tags.
    public var summary: ServiceSummary {
        derived.withLock { derived in
            if let summary = derived.summary { return summary }
            var healthy = 0
            var tags: Set<String> = []
            for instance in members.values {
                if instance.status.isHealthy { healthy += 1 }
                tags.formUnion(instance.tags)
            }
            let summary = ServiceSummary(
                service: service, instances: count, healthy: healthy, tags: tags.sorted(), revision: revision)
            derived.summary = summary
            return summary
        }
    }
}

/// What was computed from a snapshot so far.
private struct DerivedViews {
    private struct Kept {
        let key: ServiceSnapshot.DerivedKey
        var wasUsed = false
        let value: any Sendable
    }

    var instances: [ServiceInstance]?
    var healthy: [ServiceInstance]?
    var summary: ServiceSummary?
    private var values: [Kept] = []

    mutating func sortedInstances(of members: TreeDictionary<InstanceID, ServiceInstance>) -> [ServiceInstance] {
        if let instances { return instances }
        let sorted = members.values.sorted { $0.id < $1.id }
        instances = sorted
        return sorted
    }

    mutating func use<Value>(_ key: ServiceSnapshot.DerivedKey) -> Value? {
        for index in values.indices where values[index].key == key {
            if !values[index].wasUsed { values[index].wasUsed = true }
            return values[index].value as? Value
        }
        return nil
    }

    /// - Returns: The value that is kept under `key` now, and whether it is this one.
    mutating func keep<Value: Sendable>(_ value: Value, as key: ServiceSnapshot.DerivedKey) -> (Value, isNew: Bool) {
        if let known: Value = use(key) { return (known, false) }
        guard values.count < ServiceSnapshot.derivedLimit else { return (value, false) }
        values.append(Kept(key: key, value: value))
        return (value, true)
    }

    mutating func takeUsed(_ key: ServiceSnapshot.DerivedKey) -> Bool {
        guard let index = values.firstIndex(where: { $0.key == key }), values[index].wasUsed else { return false }
        values[index].wasUsed = false
        return true
    }

    mutating func drop(_ key: ServiceSnapshot.DerivedKey) {
        values.removeAll { $0.key == key }
        guard values.isEmpty else { return }
        values = []
        instances = nil
        healthy = nil
    }
}
