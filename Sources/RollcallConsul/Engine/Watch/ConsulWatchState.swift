// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What a watch has heard from its queries, and what of it the consumer was told. A value without clock and sockets.
///
/// The consumer is told nothing before every service of the scope was heard. From then on it is told the difference to
/// what it knows: as changes where each can be given a revision of its own, else as a newer snapshot. An answer that
/// says what is known already is no event.
struct ConsulWatchState: Sendable {
    private struct Trouble {
        var since: WallTime
        var failures: Int
    }

    private let scope: WatchScope
    /// What the first snapshot is to a consumer that had state before.
    private let firstCause: WatchSnapshot.Cause
    /// The last answer under a name; `nil` before the first.
    private struct Heard {
        var entries: [ConsulHealthEntry]?
    }

    /// By the name in Consul.
    private var heard: [String: Heard] = [:]
    /// By the name in lower case, as spellings of one service go together.
    private var told: [String: [InstanceKey: ServiceInstance]] = [:]
    private var changed: Set<String> = []
    private var troubles: [String: Trouble] = [:]
    private var hasState = false
    private var isNewHistory = false
    private var toldEngine = EngineState.connected
    private var toldPosition: UInt64 = 0
    /// The highest index heard.
    private var position: UInt64 = 0
    /// Whether the list of services was heard, for a scope of all.
    private var knowsServices: Bool

    /// - Parameter isResuming: Whether the consumer has state from before, which cannot be resumed from.
    init(_ scope: WatchScope, isResuming: Bool) {
        self.scope = scope
        firstCause = isResuming ? .gap : .initial
        knowsServices = scope != .all
    }

    // MARK: Hearing

    /// The names that make up the scope now. Those that left are empty from now on.
    mutating func follow(_ names: Set<String>) {
        knowsServices = true
        for name in heard.keys where !names.contains(name) {
            heard[name] = nil
            troubles[name] = nil
            changed.insert(Self.folded(name))
        }
        for name in names where heard[name] == nil { heard[name] = Heard() }
    }

    /// What there is under a name.
    mutating func hear(_ name: String, _ entries: [ConsulHealthEntry], index: UInt64?, isNewHistory: Bool) {
        guard heard[name] != nil else { return }
        heard[name] = Heard(entries: entries)
        troubles[name] = nil
        changed.insert(Self.folded(name))
        if isNewHistory {
            self.isNewHistory = true
            position = index ?? 1
        } else {
            position = max(position, index ?? 1)
        }
    }

    /// The present answer is still the answer.
    mutating func confirm(_ name: String) { troubles[name] = nil }

    mutating func fail(_ name: String, at time: WallTime) {
        troubles[name, default: Trouble(since: time, failures: 0)].failures += 1
    }

    // MARK: Telling

    /// What the consumer has not been told.
    mutating func events(now: Instant) -> [WatchEvent] {
        var events: [WatchEvent] = []
        if knowsServices, heard.values.allSatisfy({ $0.entries != nil }) {
            if !hasState || isNewHistory {
                events.append(.snapshot(all(because: hasState ? .gap : firstCause)))
                hasState = true
                isNewHistory = false
            } else if let event = difference(now) {
                events.append(event)
            }
        }
        // One failure is the loss of a connection; only when another attempt fails too, the engine is lost.
        let lost = troubles.values.filter { $0.failures > 1 }.map(\.since).min()
        let engine = lost.map { EngineState.stale(since: $0) } ?? .connected
        if hasState, engine != toldEngine {
            toldEngine = engine
            events.append(.engine(engine))
        }
        return events
    }

    /// All that is known, in place of what was told.
    private mutating func all(because cause: WatchSnapshot.Cause) -> WatchSnapshot {
        told = [:]
        changed = []
        for name in Set(heard.keys.map(Self.folded)) { told[name] = present(name) }
        toldPosition = cause == .coalesced ? max(position, toldPosition) : position
        var services: [ServiceSnapshot] = []
        if case .service(let name) = scope {
            services = [snapshot(name, told[Self.folded(name.value)] ?? [:])]
        } else {
            for instances in told.values {
                guard let first = instances.values.min(by: { $0.key < $1.key }) else { continue }
                services.append(snapshot(first.service, instances))
            }
            services.sort { $0.service < $1.service }
        }
        return WatchSnapshot(revision: Revision(toldPosition), cause: cause, services: services)
    }

    private func snapshot(_ service: ServiceName, _ instances: [InstanceKey: ServiceInstance]) -> ServiceSnapshot {
        ServiceSnapshot(service: service, revision: Revision(toldPosition), instances: instances.values)
    }

    /// The instances of a service under all its spellings.
    private func present(_ folded: String) -> [InstanceKey: ServiceInstance] {
        var listing = ConsulListing()
        for (name, answer) in heard where Self.folded(name) == folded {
            listing.add(answer.entries ?? [], index: nil)
        }
        return Dictionary(uniqueKeysWithValues: listing.instances.map { ($0.key, $0) })
    }

    private mutating func difference(_ now: Instant) -> WatchEvent? {
        var changes: [InstanceChange] = []
        var removals: [ServiceInstance] = []
        for name in changed {
            let former = told[name] ?? [:]
            let present = present(name)
            told[name] = present.isEmpty ? nil : present
            for (key, instance) in present where former[key] != instance {
                let kind = InstanceChange.Kind(from: former[key], to: instance)
                changes.append(
                    InstanceChange(revision: instance.revision, kind: kind, instance: instance, bornAt: now))
            }
            removals += former.values.filter { present[$0.key] == nil }
        }
        changed = []
        if changes.isEmpty, removals.isEmpty { return nil }
        changes.sort { $0.revision < $1.revision }
        if let removed = removals.first {
            changes.append(
                InstanceChange(
                    revision: Revision(position), kind: removed.leaseState == .lapsed ? .evicted : .deregistered,
                    instance: removed, bornAt: now))
        }
        let revisions = [Revision(toldPosition)] + changes.map(\.revision)
        let isOrdered = zip(revisions, revisions.dropFirst()).allSatisfy { $0 < $1 }
        guard removals.count < 2, isOrdered, let last = revisions.last, last <= Revision(position) else {
            return .snapshot(all(because: .coalesced))
        }
        toldPosition = position
        return .changes(WatchChanges(revision: Revision(position), changes: changes))
    }

    private static func folded(_ name: String) -> String { ServiceName(name).folded }
}

extension InstanceChange.Kind {
    /// What became of an instance, as far as it can be seen from before and after.
    fileprivate init(from former: ServiceInstance?, to present: ServiceInstance) {
        guard let former, former.incarnation == present.incarnation else {
            self = .registered
            return
        }
        if former.leaseState != present.leaseState {
            self = present.leaseState == .lapsed ? .lapsed : .revived
        } else if former.desired != present.desired
            || former.registration.readiness != present.registration.readiness
        {
            self = .stateChanged
        } else {
            self = former.registration == present.registration ? .checkChanged : .updated
        }
    }
}
