// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// Runs the leases of a registry by the clock: renews them, and posts what they turn out to be into the write queue.
final class LeaseClock: Sendable {
    fileprivate struct State {
        var keeper: LeaseKeeper<InstanceKey, ServiceName>
        var effects: [LeaseEffect<InstanceKey>] = []
        var heartbeats: UInt64 = 0
        var refusedHeartbeats: UInt64 = 0
        /// Until when the timer sleeps, and how to wake it.
        var armed: (deadline: Instant, sleep: Task<Void, Never>)?
    }

    private let state: Mutex<State>
    private let time: TimeSource
    private let queue: WriteQueue

    /// The timer looks at the leases at least so often, whatever they say: a guard against a bound that is too late.
    private static let longestSleep: Duration = .seconds(60)
    /// How long an eviction that could not be made durable waits before it is tried again.
    private static let evictionRetry: Duration = .seconds(5)

    init(brake: BrakeConfiguration, time: TimeSource, queue: WriteQueue) {
        self.time = time
        self.queue = queue
        state = Mutex(State(keeper: LeaseKeeper(brake: brake, now: time.now())))
    }

    /// Gives every instance a full lease from now: a registry that was away could not hear their heartbeats.
    func restore(_ instances: [ServiceInstance]) {
        let now = time.now()
        state.withLock { state in
            state.keeper.reserveCapacity(instances.count)
            for instance in instances where instance.lease.kind != .none {
                state.keeper.insert(
                    instance.key, group: instance.service, terms: instance.lease,
                    incarnation: instance.incarnation.value, now: now)
            }
        }
    }

    // MARK: Heartbeats

    /// Renews leases, or says why not; `nil` when one has to be brought back, which ``renew(_:instance:)`` does.
    ///
    /// - Parameter instance: Finds an instance that has no lease: its heartbeats are welcome and change nothing.
    func renewIfCurrent(_ heartbeats: [Heartbeat], instance: (InstanceKey) -> ServiceInstance?) -> [HeartbeatOutcome]? {
        let now = time.now()
        var renewals: [LeaseRenewal] = []
        renewals.reserveCapacity(heartbeats.count)
        let areAllCurrent = state.withLock { state in
            for heartbeat in heartbeats {
                if let lease = state.keeper.lease(of: heartbeat.key), lease.state == .lapsed || lease.state == .suspect
                {
                    return false
                }
                renewals.append(state.renew(heartbeat, now))
            }
            return true
        }
        guard areAllCurrent else { return nil }
        return zip(renewals, heartbeats).map { outcome($0, of: $1, instance) }
    }

    /// Renews leases; those that had run out are posted as revived.
    ///
    /// - Returns: The outcomes in the order of the heartbeats, and whether anything was posted.
    func renew(_ heartbeats: [Heartbeat], instance: (InstanceKey) -> ServiceInstance?) -> ([HeartbeatOutcome], Bool) {
        let now = time.now()
        var renewals: [LeaseRenewal] = []
        renewals.reserveCapacity(heartbeats.count)
        var revived: [WriteQueue.Write] = []
        state.withLock { state in
            for heartbeat in heartbeats {
                let renewal = state.renew(heartbeat, now)
                renewals.append(renewal)
                if renewal == .wasLapsed, let lease = state.keeper.lease(of: heartbeat.key) {
                    revived.append(.finding(.revived, heartbeat.key, Incarnation(lease.incarnation)))
                }
            }
            // A lease that came back may run out before what the timer waits for.
            if !revived.isEmpty { state.rearmIfNeeded() }
        }
        if !revived.isEmpty { queue.post(revived) }
        let outcomes = zip(renewals, heartbeats).map { outcome($0, of: $1, instance) }
        return (outcomes, !revived.isEmpty)
    }

    private func outcome(
        _ renewal: LeaseRenewal, of heartbeat: Heartbeat, _ instance: (InstanceKey) -> ServiceInstance?
    ) -> HeartbeatOutcome {
        switch renewal {
        case .renewed, .wasLapsed: return .renewed
        case .fenced(let current): return .fenced(Incarnation(current))
        case .evicting: break
        case .unknown:
            guard let instance = instance(heartbeat.key), instance.lease.kind == .none else { break }
            guard let named = heartbeat.incarnation, named != instance.incarnation else { return .renewed }
            return .fenced(instance.incarnation)
        }
        state.withLock { $0.refusedHeartbeats += 1 }
        return .unknown
    }

    // MARK: What the committer tells

    func apply(_ actions: [ChangeBatch.LeaseAction]) {
        guard !actions.isEmpty else { return }
        let now = time.now()
        state.withLock { state in
            for action in actions { state.apply(action, now) }
            state.rearmIfNeeded()
        }
    }

    /// Whether a finding that waited in the queue is still what the lease is.
    func confirms(_ finding: LeaseFinding, _ key: InstanceKey, _ incarnation: Incarnation) -> Bool {
        guard let lease = state.withLock({ $0.keeper.lease(of: key) }), lease.incarnation == incarnation.value else {
            return false
        }
        return switch finding {
        case .lapsed, .released: lease.state == .lapsed
        case .suspected: lease.state == .suspect
        case .revived: lease.state == .current
        case .overdue: lease.state == .evicting
        }
    }

    func evictionFailed(_ key: InstanceKey) {
        let retry = time.now() + Self.evictionRetry
        state.withLock { state in
            state.keeper.retryEviction(key, at: retry)
            state.rearmIfNeeded()
        }
    }

    func release(_ service: ServiceName?) {
        let now = time.now()
        state.withLock { state in
            state.keeper.release(service.map { .service($0) } ?? .fleet, now: now)
            state.rearmIfNeeded()
        }
    }

    var statistics: RegistryStatistics {
        state.withLock { state in
            var statistics = RegistryStatistics()
            statistics.heartbeats = state.heartbeats
            statistics.refusedHeartbeats = state.refusedHeartbeats
            statistics.lapsedLeases = state.keeper.count(in: .lapsed) + state.keeper.count(in: .suspect)
            let brake = state.keeper.brakeStatus
            statistics.heldEvictions = brake.fleet.suspects
            statistics.isFleetBraked = brake.fleet.engagedSince != nil
            statistics.brakedServices = brake.services.filter { $0.value.engagedSince != nil }.keys.sorted()
            return statistics
        }
    }

    // MARK: Time

    /// Lets the leases run until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let sleep = state.withLock { state -> Task<Void, Never> in
                let latest = time.now() + Self.longestSleep
                let deadline = min(state.keeper.nextWake ?? latest, latest)
                let sleep = Task<Void, Never> { [time] in
                    // Cancelled to be armed anew: the loop looks at the time itself.
                    try? await time.sleep(until: deadline)
                }
                state.armed = (deadline, sleep)
                return sleep
            }
            await withTaskCancellationHandler {
                await sleep.value
            } onCancel: {
                sleep.cancel()
            }
            if !Task.isCancelled { advance() }
        }
    }

    private func advance() {
        let now = time.now()
        let findings = state.withLock { $0.advance(now) }
        if !findings.isEmpty { queue.post(findings) }
    }
}

extension LeaseClock.State {
    fileprivate mutating func renew(_ heartbeat: Heartbeat, _ now: Instant) -> LeaseRenewal {
        let renewal = keeper.renew(heartbeat.key, incarnation: heartbeat.incarnation?.value, now: now)
        switch renewal {
        case .renewed, .wasLapsed: heartbeats += 1
        case .fenced: refusedHeartbeats += 1
        case .unknown, .evicting: break
        }
        return renewal
    }

    fileprivate mutating func apply(_ action: ChangeBatch.LeaseAction, _ now: Instant) {
        switch action {
        case .remove(let key):
            keeper.remove(key, now: now)
        case .grant(let key, let terms, _) where terms.kind == .none:
            keeper.remove(key, now: now)
        case .grant(let key, let terms, let incarnation):
            if let lease = keeper.lease(of: key), lease.incarnation == incarnation.value, lease.state != .evicting {
                keeper.update(key, terms: terms)
                _ = keeper.renew(key, now: now)
            } else {
                keeper.insert(key, group: key.service, terms: terms, incarnation: incarnation.value, now: now)
            }
        }
    }

    /// Wakes the timer when it would sleep too long.
    fileprivate func rearmIfNeeded() {
        guard let armed, let wake = keeper.nextWake, wake < armed.deadline else { return }
        armed.sleep.cancel()
    }

    fileprivate mutating func advance(_ now: Instant) -> [WriteQueue.Write] {
        effects.removeAll(keepingCapacity: true)
        keeper.advance(now: now, into: &effects)
        return effects.compactMap { effect -> WriteQueue.Write? in
            let (finding, key): (LeaseFinding, InstanceKey) =
                switch effect {
                case .lapse(let key): (.lapsed, key)
                case .suspect(let key): (.suspected, key)
                case .release(let key): (.released, key)
                case .evict(let key): (.overdue, key)
                case .restore(let key): (.revived, key)
                }
            return keeper.lease(of: key).map { .finding(finding, key, Incarnation($0.incarnation)) }
        }
    }
}
