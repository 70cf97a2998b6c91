// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import Synchronization

/// One service that a client uses: follows its list, and shares its calls out.
final class FollowedService: Sendable {
    let service: ServiceName
    let upstream: Upstream
    let metrics: ServiceCallMetrics
    private let discovery: any Discovery
    private let configuration: ServiceClientConfiguration
    let time: TimeSource
    private let logger: Logger
    private let hasList = Gate()
    private let refresh = WakeSignal()
    private let list: Mutex<FollowedList>
    private let judge: Mutex<ServiceJudge>
    /// ``ServiceJudge/wake`` in nanoseconds, so that a call need not take the lock to see that nothing is due.
    private let judgeWake = Atomic<Int64>(.max)
    private let publishing = Mutex(())
    private let lastFailure = Mutex<RegistryError?>(nil)
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let followers = Mutex(Followers())
    /// Whether somebody has asked for it since ``takeUse()``. It is there to be found used at first.
    private let wasUsed = Atomic(true)
    private let onChange: @Sendable () -> Void

    /// - Parameter onChange: Told after each change of the list.
    init(
        _ service: ServiceName, saved: ServiceSnapshot?, discovery: any Discovery,
        configuration: ServiceClientConfiguration, time: TimeSource, logger: Logger,
        onChange: @escaping @Sendable () -> Void
    ) {
        self.service = service
        self.discovery = discovery
        self.configuration = configuration
        self.time = time
        self.logger = logger
        self.onChange = onChange
        let now = time.now()
        upstream = Upstream(
            service: service, balancer: configuration.balancer, configuration: configuration.upstream)
        metrics = ServiceCallMetrics(service)
        list = Mutex(FollowedList(saved: saved))
        judge = Mutex(ServiceJudge(configuration, now: now))
        if saved != nil { publish(now: now) }
    }

    /// Begins to follow. It goes on until ``stop()``.
    func start() {
        // Detached: it goes on for all callers, so it belongs to no trace and no priority of the first one.
        let work = Task.detached { [weak self, discovery, service, configuration] in
            switch configuration.cache {
            case .watch:
                for await event in discovery.watch(.service(service)) {
                    guard let self else { return }
                    self.apply(event)
                }
                // The registry was shut down in this process: nobody vouches for the list any more.
                guard let self, !Task.isCancelled else { return }
                self.apply(.engine(.stale(since: self.time.wallTime())))
            case .timeToLive(let interval):
                var failures = 0
                while !Task.isCancelled {
                    guard let self else { return }
                    failures = await self.ask() ? 0 : failures + 1
                    await self.pause(interval, failures)
                }
            }
        }
        task.withLock { $0 = work }
    }

    func stop() {
        task.withLock { task in
            task?.cancel()
            task = nil
        }
        followers.withLock { $0.hasEnded = true }
        wakeFollowers()
    }

    deinit { stop() }

    // MARK: The list

    /// What is known, after waiting for a first list if there is none.
    func known() async -> KnownService? {
        if !hasList.isOpen {
            _ = await hasList.wait(until: time.now() + configuration.firstListTimeout, time)
        }
        return list.withLock { $0.known(now: time.now()) }
    }

    /// What is known now.
    var knownNow: KnownService? { list.withLock { $0.known(now: time.now()) } }

    /// Why the registry could not be asked the last time.
    var failure: RegistryError? { lastFailure.withLock { $0 } }

    /// Asks the registry for the list now, in place of waiting for its word.
    func askAgain() async throws(RegistryError) {
        let answer = try await discovery.lookup(service)
        answered(answer)
        refresh.wake()
    }

    private func apply(_ event: WatchEvent) {
        let now = time.now()
        if case .engine(let state) = event { note(state) }
        if list.withLock({ $0.apply(event, service: service, now: now) }) { publish(now: now) }
    }

    private func note(_ state: EngineState) {
        switch state {
        case .connected:
            lastFailure.withLock { $0 = nil }
            logger.info("the registry is back", metadata: ["service": "\(service)"])
        case .stale:
            logger.warning("the registry is away; the last list stays in use", metadata: ["service": "\(service)"])
        }
    }

    private func answered(_ answer: ServiceSnapshot) {
        let now = time.now()
        lastFailure.withLock { $0 = nil }
        // While a watch stands, an answer may be older than what it has told since.
        let isWatched = configuration.cache == .watch
        if list.withLock({ $0.answered(answer, isWatched: isWatched, now: now) }) { publish(now: now) }
    }

    private func ask() async -> Bool {
        do throws(RegistryError) {
            answered(try await discovery.lookup(service))
            return true
        } catch {
            lastFailure.withLock { $0 = error }
            logger.warning(
                "the registry could not be asked; the last list stays in use",
                metadata: ["service": "\(service)", "error": "\(error)"])
            return false
        }
    }

    private func pause(_ interval: Duration, _ failures: Int) async {
        var random = SystemRandomNumberGenerator()
        let delay =
            failures == 0 ? interval : configuration.backoff.delay(afterFailures: failures, using: &random)
        let deadline = time.now() + delay
        let alarm = Task { [refresh, time] in
            guard (try? await time.sleep(until: deadline)) != nil else { return }
            refresh.wake()
        }
        await refresh.wait()
        alarm.cancel()
    }

    /// Hands the list on. What is handed on last is the list that is kept: it is read within the lock.
    private func publish(now: Instant) {
        publishing.withLock { _ in
            if let snapshot = list.withLock(\.snapshot) { publish(snapshot, now: now) }
        }
        hasList.open()
        wakeFollowers()
        onChange()
    }

    private func publish(_ snapshot: ServiceSnapshot, now: Instant) {
        upstream.update(snapshot, now: now)
        // Only a share of the instances may be left out. One that the registry itself calls down must not use it up.
        let identities = snapshot.instances.filter { $0.status.isHealthy || $0.status == .suspect }.map {
            EndpointIdentity($0.key, $0.incarnation)
        }
        judged(now: now) { $0.update(identities, now: now) }
        metrics.listed(snapshot.count)
    }

    // MARK: Those who follow the list

    private struct Followers {
        var signals: [ObjectIdentifier: WakeSignal] = [:]
        /// Those who may begin to follow; see ``FollowerPlace``.
        var places = 0
        var hasEnded = false
    }

    func follower() -> ListFollower {
        let follower = ListFollower(self)
        followers.withLock { $0.signals[ObjectIdentifier(follower.signal)] = follower.signal }
        return follower
    }

    func forget(_ signal: WakeSignal) {
        followers.withLock { $0.signals[ObjectIdentifier(signal)] = nil }
    }

    func addPlaces(_ count: Int) { followers.withLock { $0.places += count } }

    /// Whether ``stop()`` was called: the list changes no more.
    var hasEnded: Bool { followers.withLock(\.hasEnded) }

    private func wakeFollowers() {
        for signal in followers.withLock({ Array($0.signals.values) }) { signal.wake() }
    }

    /// Those that may be called by the registry's word alone; `nil` while no list is known.
    var routable: [ServiceInstance]? {
        guard let snapshot = list.withLock(\.snapshot) else { return nil }
        var roster = EndpointRoster(service: service, configuration: configuration.upstream)
        roster.update(snapshot, now: time.now())
        return roster.list.endpoints.map(\.instance)
    }

    // MARK: Idleness

    /// Leaves a mark that the service is in use. Mostly it is there already, and nothing is written.
    func noteUse() {
        if !wasUsed.load(ordering: .relaxed) { wasUsed.store(true, ordering: .relaxed) }
    }

    /// Whether the service has been used since this was asked last, is in use now, or must not be let go.
    func takeUse() -> Bool {
        if wasUsed.exchange(false, ordering: .relaxed) { return true }
        if followers.withLock({ !$0.signals.isEmpty || $0.places > 0 }) { return true }
        return isIrreplaceable || upstream.known.contains { $0.load.pending > 0 }
    }

    /// Whether there is a list that the registry could not tell again.
    private var isIrreplaceable: Bool {
        let (hasList, isStale) = list.withLock { ($0.snapshot?.isEmpty == false && $0.origin == .registry, $0.isStale) }
        return hasList && (configuration.cache == .watch ? isStale : failure != nil)
    }

    // MARK: Calls

    /// - Throws: Why the call is not tried.
    func admit(now: Instant) throws(CallRefused) -> ServiceJudge.Permit {
        if judgeWake.load(ordering: .relaxed) <= now.nanoseconds { judged(now: now) { $0.advance(to: now) } }
        return try judge.withLock { judge throws(CallRefused) in try judge.admit(now: now) }
    }

    func ended(_ permit: ServiceJudge.Permit, _ outcome: CallOutcome, since start: Instant, now: Instant) {
        judge.withLock { $0.ended(permit, outcome, duration: now - start, now: now) }
    }

    /// A try at an instance ended.
    func record(_ outcome: CallOutcome, of endpoint: EndpointIdentity, start: Instant, now: Instant) {
        judged(now: now) { $0.record(outcome, of: endpoint, start: start, now: now) }
    }

    func withBudgets<Value>(_ body: (inout CallBudgets) -> Value) -> Value {
        judge.withLock { body(&$0.budgets) }
    }

    /// Lets the judge decide who is left out, and does it.
    private func judged(now: Instant, _ step: (inout ServiceJudge) -> Set<EndpointIdentity>?) {
        // The upstream is told within the lock: two decisions must not reach it in the other order.
        judge.withLock { judge in
            let ejected = step(&judge)
            judgeWake.store(judge.wake.nanoseconds, ordering: .relaxed)
            guard let ejected else { return }
            upstream.setEjected(ejected, now: now)
            metrics.ejected(ejected.count)
            logger.notice(
                "instances that fail are left out",
                metadata: ["service": "\(service)", "ejected": "\(ejected.map(\.key.id.value).sorted())"])
        }
    }
}
