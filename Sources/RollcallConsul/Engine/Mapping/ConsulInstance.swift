// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

extension ServiceInstance {
    /// The instance that an entry of Consul's catalog stands for.
    ///
    /// One that this engine registered is as it was registered, changed by what others have changed since in Consul's
    /// own fields. One that others registered is called `ID@node`, because identifiers are unique on a node only, has
    /// no lease, and lives as long as its entry.
    init(_ entry: ConsulHealthEntry) {
        let service = entry.service
        let meta = ConsulMeta(service.meta, service: service.name)
        var registration = Registration(
            service: meta?.service ?? ServiceName(service.name),
            id: meta?.id ?? InstanceID("\(service.id)@\(entry.node.name)"),
            host: service.address.isEmpty ? entry.node.address : service.address,
            port: UInt16(exactly: service.port) ?? 0, tags: service.tags.distinct,
            metadata: service.meta, weight: UInt16(clamping: service.passingWeight), node: entry.node.name,
            lease: .permanent)
        if meta != nil { ConsulMeta.restore(&registration, from: service.meta) }
        let standing = ConsulStanding(entry, registeredAt: meta?.registeredAt)
        let indexes = [service.modifyIndex] + entry.checks.map(\.modifyIndex)
        self.init(
            registration: registration,
            incarnation: meta?.incarnation ?? Incarnation(max(1, service.createIndex)), desired: standing.desired,
            checks: standing.checks, leaseState: standing.leaseState, revision: Revision(indexes.max() ?? 0),
            registeredAt: standing.registeredAt, changedAt: standing.registeredAt)
    }
}

/// What the checks of an entry say of an instance.
struct ConsulStanding: Sendable {
    var desired = DesiredState.enabled
    var checks: [HealthCheck] = []
    var leaseState = LeaseState.current
    /// Consul does not know when something came to be, nor since when a check is as it is.
    let registeredAt: WallTime

    init(_ entry: ConsulHealthEntry, registeredAt: WallTime?) {
        self.registeredAt = registeredAt ?? WallTime(millisecondsSinceEpoch: 0)
        let id = entry.service.id
        for check in entry.checks {
            switch check.id {
            case ConsulNaming.maintenanceCheck(id): desired = ConsulReason.desired(check.notes)
            case ConsulNaming.nodeMaintenance:
                if desired == .enabled { desired = .maintenance(reason: ConsulReason.plain(check.notes)) }
            case ConsulNaming.readinessCheck(id): break
            case let name where name.hasPrefix(ConsulNaming.leasePrefix) && check.serviceID == id:
                if check.status == .critical { leaseState = .lapsed }
            default: add(check, id)
            }
        }
    }

    private mutating func add(_ check: ConsulCheck, _ serviceID: String) {
        // A node that is well says nothing of the instance.
        if check.serviceID.isEmpty, check.status == .passing { return }
        checks.append(
            HealthCheck(
                id: ConsulNaming.checkID(check.id, serviceID) ?? check.id, status: check.status, output: check.output,
                since: registeredAt))
    }
}

/// Draining, which Consul does not know, is maintenance whose reason says so.
enum ConsulReason {
    private static let draining = "draining"
    private static let until = " until "
    private static let maintenance = "maintenance"

    /// What to put an instance into maintenance for; `nil` for one that is enabled.
    static func text(_ desired: DesiredState) -> String? {
        switch desired {
        case .enabled: return nil
        case .draining(let time, let reason):
            let until = time.map { "\(Self.until)\($0)" } ?? ""
            return reason.isEmpty ? draining + until : "\(draining)\(until): \(reason)"
        case .maintenance(let reason):
            // An operator's own words must not be taken for these, and an empty reason would become Consul's.
            let isPlain = !reason.isEmpty && !reason.hasPrefix(draining) && !reason.hasPrefix(maintenance)
                && !reason.hasPrefix(consuls)
            return isPlain ? reason : reason.isEmpty ? maintenance : "\(maintenance): \(reason)"
        }
    }

    static func desired(_ notes: String) -> DesiredState {
        if notes == maintenance { return .maintenance(reason: "") }
        if notes.hasPrefix("\(maintenance): ") {
            return .maintenance(reason: String(notes.dropFirst(maintenance.count + 2)))
        }
        guard notes.hasPrefix(draining) else { return .maintenance(reason: plain(notes)) }
        var rest = notes.dropFirst(draining.count)
        var time: WallTime?
        if rest.hasPrefix(until) {
            let text = rest.dropFirst(until.count).prefix { $0 != " " }
            // The time ends where ": " begins; a time has colons of its own.
            let stamp = text.hasSuffix(":") ? text.dropLast() : text
            guard let read = WallTime(String(stamp)) else { return .maintenance(reason: notes) }
            time = read
            rest = rest.dropFirst(until.count + stamp.count)
        }
        if rest.isEmpty { return .draining(until: time, reason: "") }
        guard rest.hasPrefix(": ") else { return .maintenance(reason: notes) }
        return .draining(until: time, reason: String(rest.dropFirst(2)))
    }

    private static let consuls = "Maintenance mode is enabled for this "

    /// `notes`, unless they are what Consul writes when nobody gave a reason.
    static func plain(_ notes: String) -> String { notes.hasPrefix(consuls) ? "" : notes }
}

extension [String] {
    /// Without empty ones, and each once.
    fileprivate var distinct: [String] {
        var seen: Set<String> = []
        return filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}
