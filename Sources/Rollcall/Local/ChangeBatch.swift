// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Decides what the writes of one batch change. It works on a view of the published instances and changes nothing
/// itself: the owner makes the changes durable, and only then applies and publishes them.
struct ChangeBatch {
    /// What the owner has to do to the leases when the batch is durable, in this order.
    enum LeaseAction: Hashable, Sendable {
        /// Begin or restart the lease.
        case grant(InstanceKey, LeaseTerms, Incarnation)
        case remove(InstanceKey)
    }

    private let published: (InstanceKey) -> ServiceInstance?
    private let limits: ModelLimits
    private let now: Instant
    private let wallTime: WallTime
    /// What the batch has decided so far, by instance; `.some(nil)` is removed.
    private var decided: [InstanceKey: ServiceInstance?] = [:]
    private var granted: Set<InstanceKey> = []

    private(set) var revision: Revision
    private(set) var changes: [InstanceChange] = []
    private(set) var leaseActions: [LeaseAction] = []
    /// The last write of each record.
    private(set) var records: [RecordKey: RecordWrite] = [:]

    /// - Parameters:
    ///   - revision: The last revision that was given to a change.
    ///   - published: The instances as they are published.
    init(
        after revision: Revision, limits: ModelLimits, now: Instant, wallTime: WallTime,
        published: @escaping (InstanceKey) -> ServiceInstance?
    ) {
        self.revision = revision
        self.limits = limits
        self.now = now
        self.wallTime = wallTime
        self.published = published
    }

    mutating func register(_ registration: Registration, life: Life) throws(RegistryError) -> RegistrationReceipt {
        let key = registration.key
        let present = instance(key)
        if case .incarnation(let named) = life, named > .highestNamed, named != present?.incarnation {
            let fault = FieldFault("incarnation", "\(named) is more than \(Incarnation.highestNamed)")
            throw .invalid("registration of \(key)", [fault])
        }
        guard let present else {
            return begin(registration, incarnation: chosenIncarnation(life, after: nil), desired: .enabled)
        }
        switch life {
        case .new:
            let incarnation = chosenIncarnation(life, after: present.incarnation)
            return begin(registration, incarnation: incarnation, desired: present.desired.inherited)
        case .incarnation(let named) where named > present.incarnation:
            return begin(registration, incarnation: named, desired: present.desired.inherited)
        case .incarnation(let named) where named < present.incarnation:
            throw .fenced("registration", key, named: named, current: present.incarnation)
        case .incarnation, .present:
            grant(key, registration.lease, present.incarnation)
            guard present.registration != registration || present.leaseState != .current else {
                return RegistrationReceipt(instance: present, isNewLife: false)
            }
            let kind: InstanceChange.Kind = present.registration == registration ? .revived : .updated
            let checks = registration.results(keeping: present.checks, of: present.registration, at: wallTime)
            let instance = present.changed(
                registration: registration, checks: checks, leaseState: .current, revision: revision.next, at: wallTime)
            append(kind, instance)
            return RegistrationReceipt(instance: instance, isNewLife: false)
        }
    }

    private mutating func begin(_ registration: Registration, incarnation: Incarnation, desired: DesiredState)
        -> RegistrationReceipt
    {
        let instance = ServiceInstance(
            registration: registration, incarnation: incarnation, desired: desired,
            checks: registration.results(keeping: [], of: nil, at: wallTime), revision: revision.next,
            registeredAt: wallTime, changedAt: wallTime)
        grant(registration.key, registration.lease, incarnation)
        append(.registered, instance)
        return RegistrationReceipt(instance: instance, isNewLife: true)
    }

    /// The revision at which a life begins is higher than that of each life before it, so nothing need be remembered of
    /// a life that has ended.
    private func chosenIncarnation(_ life: Life, after former: Incarnation?) -> Incarnation {
        if case .incarnation(let named) = life { return named }
        return Incarnation(max(revision.next.value, (former?.value ?? 0) + 1))
    }

    mutating func deregister(_ key: InstanceKey, incarnation: Incarnation?) throws(RegistryError) {
        remove(try present(key, incarnation, "deregistration"), .deregistered)
    }

    mutating func update(_ key: InstanceKey, incarnation: Incarnation?, _ update: InstanceUpdate) throws(RegistryError)
        -> ServiceInstance
    {
        let present = try present(key, incarnation, "update")
        switch update {
        case .desired(let desired):
            guard desired != present.desired else { return present }
            try validate(desired, of: key)
            return change(present, .stateChanged) { $0.changed(desired: desired, revision: $1, at: $2) }
        case .readiness(let readiness):
            guard readiness != present.registration.readiness else { return present }
            var registration = present.registration
            registration.readiness = readiness
            return change(present, .stateChanged) { $0.changed(registration: registration, revision: $1, at: $2) }
        case .check(let id, let status, let output):
            guard present.checks.first(where: { $0.id == id })?.status != status else { return present }
            let checks = try checks(of: present, with: id, status, output)
            return change(present, .checkChanged) { $0.changed(checks: checks, revision: $1, at: $2) }
        case .checkOutput(let id, let output):
            guard let index = present.checks.firstIndex(where: { $0.id == id }) else {
                throw .invalid("check of \(key)", [FieldFault("check", "\"\(id)\" has no status yet")])
            }
            var checks = present.checks
            checks[index].output = truncated(output, bytes: limits.checkOutputBytes)
            guard checks != present.checks else { return present }
            return change(present, .checkChanged) { $0.changed(checks: checks, revision: $1, at: $2) }
        case .removeCheck(let id):
            guard present.registration.check(id) == nil else {
                let fault = FieldFault("check", "\"\(id)\" is declared by the registration: register without it")
                throw .invalid("check of \(key)", [fault])
            }
            let checks = present.checks.filter { $0.id != id }
            guard checks.count < present.checks.count else { return present }
            return change(present, .checkChanged) { $0.changed(checks: checks, revision: $1, at: $2) }
        }
    }

    /// Takes `count` revisions for the writes that `make` returns, and tells the first one.
    mutating func commit(revisions count: UInt64, _ make: (Revision) -> [RecordWrite]) -> Revision {
        let first = revision.next
        revision = Revision(revision.value + count)
        for write in make(first) { records[write.key] = write }
        return first
    }

    /// What the leases found out. An instance that meanwhile has another life, or a lease renewed by this batch, is
    /// left alone.
    mutating func apply(_ finding: LeaseFinding, to key: InstanceKey, incarnation: Incarnation) {
        guard let present = instance(key), present.incarnation == incarnation, !granted.contains(key) else { return }
        let state: LeaseState
        let kind: InstanceChange.Kind
        switch finding {
        case .lapsed: (state, kind) = (.lapsed, .lapsed)
        case .suspected: (state, kind) = (.suspect, .suspected)
        case .released: (state, kind) = (.lapsed, .released)
        case .revived: (state, kind) = (.current, .revived)
        case .overdue:
            remove(present, .evicted)
            return
        }
        guard present.leaseState != state else { return }
        _ = change(present, kind) { $0.changed(leaseState: state, revision: $1, at: $2) }
    }

    // MARK: Parts

    private func instance(_ key: InstanceKey) -> ServiceInstance? {
        if let decided = decided[key] { return decided }
        return published(key)
    }

    private func present(_ key: InstanceKey, _ incarnation: Incarnation?, _ action: String) throws(RegistryError)
        -> ServiceInstance
    {
        guard let present = instance(key) else { throw .unknownInstance(action, key) }
        guard let incarnation, incarnation != present.incarnation else { return present }
        throw .fenced(action, key, named: incarnation, current: present.incarnation)
    }

    private mutating func grant(_ key: InstanceKey, _ terms: LeaseTerms, _ incarnation: Incarnation) {
        leaseActions.append(.grant(key, terms, incarnation))
        granted.insert(key)
    }

    private mutating func change(
        _ instance: ServiceInstance, _ kind: InstanceChange.Kind,
        _ edit: (ServiceInstance, Revision, WallTime) -> ServiceInstance
    ) -> ServiceInstance {
        let changed = edit(instance, revision.next, wallTime)
        append(kind, changed)
        return changed
    }

    private mutating func remove(_ instance: ServiceInstance, _ kind: InstanceChange.Kind) {
        leaseActions.append(.remove(instance.key))
        append(kind, instance)
    }

    private mutating func append(_ kind: InstanceChange.Kind, _ instance: ServiceInstance) {
        revision = revision.next
        let change = InstanceChange(revision: revision, kind: kind, instance: instance, bornAt: now)
        changes.append(change)
        decided[instance.key] = change.isRemoval ? .some(nil) : .some(instance)
    }

    private func validate(_ desired: DesiredState, of key: InstanceKey) throws(RegistryError) {
        var faults: [FieldFault] = []
        checkText(desired.reason, "reason", limits.reasonBytes, &faults)
        if !faults.isEmpty { throw .invalid("state of \(key)", faults) }
    }

    private func checks(of instance: ServiceInstance, with id: String, _ status: HealthCheck.Status, _ output: String)
        throws(RegistryError) -> [HealthCheck]
    {
        var faults: [FieldFault] = []
        checkCheckID(id, "check", limits, &faults)
        var checks = instance.checks.filter { $0.id != id }
        if checks.count >= limits.checks {
            faults.append(FieldFault("checks", "at most \(limits.checks) are allowed"))
        }
        if !faults.isEmpty { throw .invalid("check of \(instance.key)", faults) }
        let kept = truncated(output, bytes: limits.checkOutputBytes)
        checks.append(HealthCheck(id: id, status: status, output: kept, since: wallTime))
        return checks
    }
}

/// What the leases found out about an instance.
enum LeaseFinding: Hashable, Sendable {
    /// Its lease ran out.
    case lapsed
    /// Its lease ran out, and whether it is really lost is in doubt.
    case suspected
    /// It is no longer in doubt that it is lost.
    case released
    /// A heartbeat came after its lease had run out.
    case revived
    /// Its lease ran out so long ago that it is to be removed.
    case overdue
}

/// The first `bytes` bytes of `text`, cut between characters.
func truncated(_ text: String, bytes: Int) -> String {
    guard text.utf8.count > bytes else { return text }
    var end = text.startIndex
    var count = 0
    for character in text {
        count += character.utf8.count
        if count > bytes { break }
        end = text.index(after: end)
    }
    return String(text[..<end])
}
