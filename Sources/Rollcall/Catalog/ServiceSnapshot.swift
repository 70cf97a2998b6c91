// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Synchronization

/// The instances of one service at one revision. Immutable, and cheap to make from its predecessor: a change of one
/// instance shares all the others.
public final class ServiceSnapshot: Sendable {
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

    /// The value that `make` computes from this snapshot, computed once and shared by all later callers. At most
    /// ``derivedLimit`` values are kept; further ones are computed at each call.
    public func derivedValue<Value: Sendable>(_ key: DerivedKey, _ make: (ServiceSnapshot) throws -> Value) rethrows
        -> Value
    {
        let known = derived.withLock { derived in
            derived.values.first { $0.key == key }?.value as? Value
        }
        if let known { return known }
        // Computed outside the lock: `make` may use the snapshot. Two callers may both compute; the first one is kept.
        let value = try make(self)
        return derived.withLock { derived in
            if let known = derived.values.first(where: { $0.key == key })?.value as? Value { return known }
            if derived.values.count < Self.derivedLimit { derived.values.append((key, value)) }
            return value
        }
    }

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
    var instances: [ServiceInstance]?
    var healthy: [ServiceInstance]?
    var summary: ServiceSummary?
    var values: [(key: ServiceSnapshot.DerivedKey, value: any Sendable)] = []

    mutating func sortedInstances(of members: TreeDictionary<InstanceID, ServiceInstance>) -> [ServiceInstance] {
        if let instances { return instances }
        let sorted = members.values.sorted { $0.id < $1.id }
        instances = sorted
        return sorted
    }
}
