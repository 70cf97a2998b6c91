// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections

/// What a catalog holds, and how it answers its followers: a value without lock or clock.
struct CatalogState: Sendable {
    typealias Members = TreeDictionary<InstanceID, ServiceInstance>

    private struct Service: Sendable {
        var snapshot: ServiceSnapshot
        var newest: ChangeHistory.Link
    }

    /// With an empty snapshot while the removal of its last instance is in the history.
    private var services: [ServiceName: Service] = [:]
    private var history: ChangeHistory
    private(set) var revision: Revision
    private(set) var instances = 0
    /// The number of services that have instances.
    private(set) var liveServices = 0
    var engine = EngineState.connected {
        didSet { engineVersion += 1 }
    }
    private var engineVersion: UInt64 = 0
    var isClosed = false
    var observers = Observers()

    init(historyChanges: Int, revision: Revision) {
        self.history = ChangeHistory(limit: historyChanges, start: revision)
        self.revision = revision
    }

    static func grouped(_ instances: some Sequence<ServiceInstance>) -> [ServiceName: Members] {
        var members: [ServiceName: Members] = [:]
        for instance in instances { members[instance.service, default: [:]][instance.id] = instance }
        return members
    }

    /// Replaces everything, without a history.
    mutating func load(_ members: [ServiceName: Members], historyChanges: Int, revision: Revision) {
        history = ChangeHistory(limit: historyChanges, start: revision)
        self.revision = revision
        services.removeAll()
        services.reserveCapacity(members.count)
        for (name, members) in members {
            let snapshot = ServiceSnapshot(service: name, revision: revision, members: members)
            services[name] = Service(snapshot: snapshot, newest: history.unknown)
        }
        liveServices = members.count
        instances = members.values.reduce(0) { $0 + $1.count }
    }

    func instance(_ key: InstanceKey) -> ServiceInstance? { services[key.service]?.snapshot[key.id] }

    func snapshot(of name: ServiceName) -> ServiceSnapshot {
        services[name]?.snapshot ?? ServiceSnapshot(service: name, revision: history.forgotten, members: [:])
    }

    func snapshots(in scope: WatchScope) -> [ServiceSnapshot] {
        switch scope {
        case .service(let name): [snapshot(of: name)]
        case .services(let names):
            names.compactMap { services[$0]?.snapshot }.filter { !$0.isEmpty }
        case .all: services.values.lazy.map(\.snapshot).filter { !$0.isEmpty }
        }
    }

    mutating func publish(_ changes: [InstanceChange]) -> [@Sendable () -> Void] {
        // The members of the services that change, so that a batch makes one new snapshot of each.
        var open: [ServiceName: Members] = [:]
        for change in changes {
            precondition(change.revision > revision, "revision \(change.revision) published after \(revision)")
            revision = change.revision
            let name = change.key.service
            var members = open.removeValue(forKey: name) ?? services[name]?.snapshot.members ?? [:]
            instances -= members.count
            if change.isRemoval { members[change.key.id] = nil } else { members[change.key.id] = change.instance }
            instances += members.count
            open[name] = members
            remember(change)
        }
        for (name, members) in open { replaceSnapshot(of: name, with: members) }
        return observers.concerned(by: open.keys)
    }

    mutating func advance(to revision: Revision) {
        self.revision = max(self.revision, revision)
    }

    private mutating func remember(_ change: InstanceChange) {
        let name = change.key.service
        let known = services[name]
        let (link, evicted) = history.append(change, after: known?.newest ?? history.unknown)
        if known != nil {
            services[name]?.newest = link
        } else {
            services[name] = Service(
                snapshot: ServiceSnapshot(service: name, revision: change.revision, members: [:]), newest: link)
        }
        if let (old, sequence) = evicted, let service = services[old.key.service], service.newest.sequence == sequence,
            service.snapshot.isEmpty
        {
            services[old.key.service] = nil
        }
    }

    private mutating func replaceSnapshot(of name: ServiceName, with members: Members) {
        guard let service = services[name] else { return }
        liveServices += (members.isEmpty ? 0 : 1) - (service.snapshot.isEmpty ? 0 : 1)
        services[name]?.snapshot = ServiceSnapshot(
            service: service.snapshot.service, revision: service.newest.revision, members: members)
    }

    func next(in scope: WatchScope, after cursor: inout Catalog.Cursor, most: Int) -> WatchEvent? {
        if cursor.engineVersion != engineVersion, cursor.isLive {
            cursor.engineVersion = engineVersion
            return .engine(engine)
        }
        if !cursor.isLive {
            // The state of the engine is told after the first element, and only when it is not the ordinary one.
            cursor.engineVersion = engine == .connected ? engineVersion : nil
        }
        let wasLive = cursor.isLive
        cursor.isLive = true
        guard let seen = cursor.revision else {
            cursor.revision = revision
            return .snapshot(WatchSnapshot(revision: revision, cause: .initial, services: snapshots(in: scope)))
        }
        if seen == revision { return nil }
        cursor.revision = revision
        if seen < revision, let changes = changes(in: scope, after: seen, most: most) {
            return changes.isEmpty ? nil : .changes(WatchChanges(revision: revision, changes: changes))
        }
        return .snapshot(
            WatchSnapshot(
                revision: revision, cause: wasLive ? .coalesced : .gap, services: snapshots(in: scope)))
    }

    private func changes(in scope: WatchScope, after revision: Revision, most: Int) -> [InstanceChange]? {
        switch scope {
        case .service(let name): return changes(of: name, after: revision, most: most)
        case .all: return history.changes(after: revision, most: most)
        case .services(let names):
            var all: [InstanceChange] = []
            for name in names {
                guard let changes = changes(of: name, after: revision, most: most - all.count) else { return nil }
                all += changes
            }
            return all.sorted { $0.revision < $1.revision }
        }
    }

    private func changes(of name: ServiceName, after revision: Revision, most: Int) -> [InstanceChange]? {
        history.changes(upTo: services[name]?.newest ?? history.unknown, after: revision, most: most)
    }
}
