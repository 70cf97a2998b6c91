// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections

/// What a client knows of a service.
public struct KnownService: Sendable {
    /// Where a list came from.
    public enum Origin: Sendable, Hashable {
        /// The registry said it, in this process.
        case registry
        /// The file of an earlier run, or what it is to hold of an earlier use; see
        /// ``ServiceClientConfiguration/snapshotFile``.
        case file
    }

    /// The last good list. The registry being away never changes it.
    public let snapshot: ServiceSnapshot
    /// Where the list came from.
    public let origin: Origin
    /// How long ago the registry last vouched for the list; zero while a watch stands. It is not known for a list from
    /// a file: `nil`.
    public let age: Duration?
}

/// The list of one service as it is followed: decides what an event of the registry does to it.
///
/// A value without clock. Losing the registry never changes the list; only the registry's own word does.
struct FollowedList: Sendable {
    private(set) var snapshot: ServiceSnapshot?
    private(set) var origin = KnownService.Origin.registry
    /// When the registry last vouched for the list; `.distantFuture` while a watch stands.
    private var vouchedAt = Instant.distantFuture

    /// Whether a watch stood that said this list, and has been lost.
    var isStale: Bool { origin == .registry && vouchedAt != .distantFuture }

    init(saved snapshot: ServiceSnapshot? = nil) {
        self.snapshot = snapshot
        if snapshot != nil { origin = .file }
    }

    /// - Returns: Whether the list may have changed.
    mutating func apply(_ event: WatchEvent, service: ServiceName, now: Instant) -> Bool {
        switch event {
        case .snapshot(let new):
            vouchedAt = .distantFuture
            let list = new.services.first { $0.service == service }
            let none: [ServiceInstance] = []
            return replace(list ?? ServiceSnapshot(service: service, revision: new.revision, instances: none))
        case .changes(let new):
            vouchedAt = .distantFuture
            guard let known = snapshot else { return false }
            return replace(known.applying(new.changes.filter { $0.key.service == service }))
        case .engine(.connected):
            vouchedAt = .distantFuture
            return false
        case .engine(.stale):
            if vouchedAt == .distantFuture { vouchedAt = now }
            return false
        }
    }

    /// The registry answered a question for the list, which is right as of `now`.
    ///
    /// - Parameter isWatched: Whether a watch tells of changes too. Its word is not replaced by an older one.
    mutating func answered(_ list: ServiceSnapshot, isWatched: Bool, now: Instant) -> Bool {
        let isVouchedFor = vouchedAt == .distantFuture && origin == .registry && snapshot != nil
        if isWatched, isVouchedFor {
            guard let snapshot, list.revision > snapshot.revision else { return false }
            return replace(list)
        }
        vouchedAt = now
        return replace(list)
    }

    func known(now: Instant) -> KnownService? {
        snapshot.map { snapshot in
            let age = vouchedAt == .distantFuture ? .zero : max(.zero, now - vouchedAt)
            return KnownService(snapshot: snapshot, origin: origin, age: origin == .file ? nil : age)
        }
    }

    private mutating func replace(_ list: ServiceSnapshot) -> Bool {
        origin = .registry
        if let snapshot, snapshot === list { return false }
        snapshot = list
        return true
    }
}

extension ServiceSnapshot {
    /// The snapshot after these changes of its service, in the order of their revisions.
    func applying(_ changes: [InstanceChange]) -> ServiceSnapshot {
        guard let last = changes.last else { return self }
        var members = members
        for change in changes { members[change.key.id] = change.isRemoval ? nil : change.instance }
        return ServiceSnapshot(service: service, revision: last.revision, members: members)
    }
}
