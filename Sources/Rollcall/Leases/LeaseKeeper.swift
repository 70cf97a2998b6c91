// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Leases of instances with the brake on their lapses and evictions. A pure state machine, owned by one isolation
/// domain, that is told the current instant and answers what to do.
///
/// The owner calls `advance` when `nextWake` has come, and after each call that may have changed it; then it applies
/// the effects. Effects come within one tick (16.8 ms) of their deadline and never before it. An instant that lies
/// before an earlier one counts as that earlier one: a clock that goes backwards moves no lease.
///
/// A renewal is O(1): one look-up by key and a few stores. An owner that has found the instance by its key anyway keeps
/// the handle of the lease with it and saves the look-up, which is most of the cost.
///
/// ```swift
/// var keeper = LeaseKeeper<InstanceKey, ServiceName>(now: time.now())
/// keeper.insert(key, group: key.service, terms: .standard, incarnation: 1, now: time.now())
/// var effects: [LeaseEffect<InstanceKey>] = []
/// keeper.advance(now: time.now(), into: &effects)
/// ```
public struct LeaseKeeper<Key: Hashable & Sendable, Group: Hashable & Sendable>: Sendable {
    private var table: LeaseTable<Key>
    private var brake: Brake
    /// The brake's scope of each service that has leases, and the other way round by scope.
    private var scopes: [Group: Int32] = [:]
    private var groups: [Group?] = [nil]
    /// The latest instant that was told.
    private var clock: Instant
    /// Used anew by each `advance`.
    private var lapses: [Int32] = []
    private var due: [Int32] = []

    /// No leases.
    ///
    /// - Parameters:
    ///   - configuration: When mass losses are not believed.
    ///   - now: The instant at which time starts.
    public init(brake configuration: BrakeConfiguration = BrakeConfiguration(), now: Instant) {
        table = LeaseTable(now: now)
        brake = Brake(configuration, now: now)
        clock = now
    }

    /// How many leases there are, in any state.
    public var count: Int { table.count }

    /// How many leases are in `state`.
    public func count(in state: LeasePhase) -> Int { table.count(in: state) }

    /// The lease of `key`, or `nil` when there is none.
    public func lease(of key: Key) -> LeaseView? {
        guard let slot = table.slot(of: key) else { return nil }
        let lease = table[slot]
        return LeaseView(
            state: lease.state, renewedAt: lease.renewedAt, lapsesAt: lease.lapsesAt,
            evictionDueAt: lease.evictionDueAt, incarnation: lease.incarnation)
    }

    /// When to call `advance` next, or `nil` when there is nothing to wait for. A lower bound: a call may find that
    /// nothing is due yet, and `nextWake` is later then.
    public var nextWake: Instant? {
        guard let deadline = table.nextDeadline else { return brake.nextReview }
        guard let review = brake.nextReview else { return deadline }
        return min(deadline, review)
    }

    /// Makes room for `capacity` leases, before many are inserted.
    public mutating func reserveCapacity(_ capacity: Int) {
        table.reserveCapacity(capacity)
    }

    // MARK: Registration

    /// Starts a lease with a full ttl. A lease that the key already has is forgotten: this is a new life.
    ///
    /// - Parameters:
    ///   - group: The service, which the brake judges as one scope.
    ///   - incarnation: Which life of the instance the lease belongs to.
    @discardableResult
    public mutating func insert(
        _ key: Key, group: Group, terms: LeaseTerms, incarnation: UInt64 = 0, now: Instant
    ) -> LeaseHandle {
        let now = observe(now)
        if let slot = table.slot(of: key) { discard(slot, now: now) }
        let scope = scope(of: group)
        brake.admit(to: scope, now: now)
        let slot = table.insert(key, terms: terms, incarnation: incarnation, scope: scope, now: now)
        return LeaseHandle(slot: slot, generation: table[slot].generation)
    }

    /// Changes the terms of a lease. Its deadlines follow from its last renewal, which stays; a lease that lapsed
    /// stays so until it is renewed.
    ///
    /// - Returns: Whether there is such a lease.
    @discardableResult
    public mutating func update(_ key: Key, terms: LeaseTerms) -> Bool {
        guard let slot = table.slot(of: key) else { return false }
        table.setTerms(slot, terms)
        return true
    }

    /// Forgets a lease: the instance was deregistered, or its eviction is durable.
    ///
    /// - Parameter incarnation: When given, a lease of another incarnation stays.
    /// - Returns: Whether there was such a lease.
    @discardableResult
    public mutating func remove(_ key: Key, incarnation: UInt64? = nil, now: Instant) -> Bool {
        guard let slot = slot(of: key, incarnation) else { return false }
        discard(slot, now: observe(now))
        return true
    }

    /// Counts a heartbeat.
    ///
    /// - Parameter incarnation: When given, a lease of another incarnation is not renewed.
    public mutating func renew(_ key: Key, incarnation: UInt64? = nil, now: Instant) -> LeaseRenewal {
        guard let slot = table.slot(of: key) else { return .unknown }
        return renew(slot, incarnation, now: observe(now))
    }

    /// Counts a heartbeat, without a look-up by key.
    ///
    /// - Parameter incarnation: When given, a lease of another incarnation is not renewed.
    public mutating func renew(_ handle: LeaseHandle, incarnation: UInt64? = nil, now: Instant) -> LeaseRenewal {
        guard table.slots.contains(handle.slot), table[handle.slot].generation == handle.generation else {
            return .unknown
        }
        return renew(handle.slot, incarnation, now: observe(now))
    }

    // MARK: Time

    /// Lets time pass until `now` and appends what follows from it.
    public mutating func advance(now: Instant, into effects: inout [LeaseEffect<Key>]) {
        guard now >= clock else { return }
        clock = now
        lapses.removeAll(keepingCapacity: true)
        due.removeAll(keepingCapacity: true)
        while let expiry = table.popExpired(at: now) {
            switch expiry {
            case .lapse(let slot):
                lapses.append(slot)
                brake.lapse(slot, in: table[slot].scope, now: now)
            case .evictionDue(let slot):
                due.append(slot)
            }
        }
        // All lapses of this step are known before one is judged, so that none is called down that is suspect at once.
        let verdicts = brake.judge(lapses, now: now)
        for slot in lapses where !brake.isSuspect(slot) { lapse(slot, now: now, into: &effects) }
        for verdict in verdicts { apply(verdict, now: now, into: &effects) }
        // A verdict may have made a due one suspect, or have given it a later deadline.
        for slot in due where table[slot].state == .lapsed && table[slot].evictionDueAt <= now {
            evict(slot, now: now, into: &effects)
        }
    }

    /// The eviction of `key` could not be made durable: the lease counts as lapsed, and the eviction is due again at
    /// `instant`. Nothing happens when the lease is not being evicted.
    ///
    /// - Parameter incarnation: When given, a lease of another incarnation is left alone.
    public mutating func retryEviction(_ key: Key, incarnation: UInt64? = nil, at instant: Instant) {
        guard let slot = slot(of: key, incarnation), table[slot].state == .evicting else { return }
        table.awaitEviction(slot, notBefore: instant)
    }

    /// Gives every lease a full ttl from `now`, as after a restart of the registry or a time in which it could hear
    /// nobody. Evictions that the owner is making durable go on.
    public mutating func restartAll(now: Instant, into effects: inout [LeaseEffect<Key>]) {
        let now = observe(now)
        for slot in table.slots {
            guard let key = table.key(at: slot) else { continue }
            switch table[slot].state {
            case .current:
                table.restart(slot, now: now)
            case .lapsed, .suspect:
                revive(slot, now: now)
                effects.append(.restore(key))
            case .evicting:
                break
            }
        }
    }

    // MARK: Brake

    /// An operator says that the silent instances of a scope are gone: they are released at the bounded rate by the
    /// following calls of `advance`, and evicted. The whole fleet includes each service; a service is released even
    /// while the fleet is held.
    ///
    /// - Returns: How many suspects will be released.
    @discardableResult
    public mutating func release(_ scope: LeaseScope<Group>, now: Instant) -> Int {
        let now = observe(now)
        switch scope {
        case .fleet:
            brake.releaseByOperator(Brake.fleet, now: now)
            return brake.scopes[Int(Brake.fleet)].suspects
        case .service(let group):
            guard let scope = scopes[group] else { return 0 }
            brake.releaseByOperator(scope, now: now)
            return brake.scopes[Int(scope)].suspects
        }
    }

    /// The brake at the latest instant that was told. It costs a look at each service.
    public var brakeStatus: BrakeStatus<Group> {
        var services: [Group: BrakeStatus<Group>.Scope] = [:]
        for (group, scope) in scopes {
            let state = brake.scopes[Int(scope)]
            if state.isEngaged || state.isReleasing { services[group] = status(of: scope) }
        }
        return BrakeStatus(fleet: status(of: Brake.fleet), services: services)
    }

    private func status(of scope: Int32) -> BrakeStatus<Group>.Scope {
        let state = brake.scopes[Int(scope)]
        return .init(
            engagedSince: state.engagedSince, suspects: state.suspects, isReleasing: state.isReleasing,
            losses: brake.losses(of: scope, now: clock), lapsed: state.lapsed, population: state.population,
            threshold: max(brake.configuration.minimumLosses, Int(brake.tolerance(of: scope)) + 1))
    }

    // MARK: Steps

    private mutating func observe(_ now: Instant) -> Instant {
        clock = max(clock, now)
        return clock
    }

    private func slot(of key: Key, _ incarnation: UInt64?) -> Int32? {
        guard let slot = table.slot(of: key) else { return nil }
        return incarnation == nil || incarnation == table[slot].incarnation ? slot : nil
    }

    private mutating func scope(of group: Group) -> Int32 {
        if let known = scopes[group] { return known }
        let scope = brake.openScope()
        scopes[group] = scope
        if Int(scope) == groups.count { groups.append(group) } else { groups[Int(scope)] = group }
        return scope
    }

    private mutating func discard(_ slot: Int32, now: Instant) {
        let scope = table[slot].scope
        table.remove(slot)
        brake.dismiss(slot, from: scope, now: now)
        guard brake.scopes[Int(scope)].population == 0, let group = groups[Int(scope)] else { return }
        brake.closeScope(scope)
        scopes[group] = nil
        groups[Int(scope)] = nil
    }

    private mutating func renew(_ slot: Int32, _ incarnation: UInt64?, now: Instant) -> LeaseRenewal {
        let lease = table[slot]
        if let incarnation, incarnation != lease.incarnation { return .fenced(current: lease.incarnation) }
        switch lease.state {
        case .current:
            table[slot].renewedAt = now
            brake.heard(in: lease.scope, now: now)
            return .renewed
        case .lapsed, .suspect:
            revive(slot, now: now)
            return .wasLapsed
        case .evicting:
            return .evicting
        }
    }

    private mutating func revive(_ slot: Int32, now: Instant) {
        table.restart(slot, now: now)
        brake.heard(in: table[slot].scope, now: now)
        brake.settle(slot, now: now)
    }

    private mutating func lapse(_ slot: Int32, now: Instant, into effects: inout [LeaseEffect<Key>]) {
        guard let key = table.key(at: slot) else { return }
        effects.append(.lapse(key))
        if table[slot].evictionDueAt <= now {
            due.append(slot)
        } else {
            table.awaitEviction(slot, notBefore: now)
        }
    }

    private mutating func apply(_ verdict: Brake.Verdict, now: Instant, into effects: inout [LeaseEffect<Key>]) {
        switch verdict {
        case .suspect(let slot):
            guard let key = table.key(at: slot) else { return }
            table.suspend(slot)
            effects.append(.suspect(key))
        case .release(let slot, let release):
            guard let key = table.key(at: slot) else { return }
            table[slot].release = release
            table.awaitEviction(slot, notBefore: now + .nanoseconds(table[slot].ttl))
            effects.append(.release(key))
        }
    }

    private mutating func evict(_ slot: Int32, now: Instant, into effects: inout [LeaseEffect<Key>]) {
        guard let key = table.key(at: slot) else { return }
        switch brake.mayEvict(table[slot].release, in: table[slot].scope, now: now) {
        case .granted:
            table.beginEviction(slot)
            brake.evicting(slot)
            effects.append(.evict(key))
        case .postponed(let instant, let release):
            table[slot].release = release
            table.awaitEviction(slot, notBefore: instant)
        }
    }
}
