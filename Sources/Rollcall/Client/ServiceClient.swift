// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Logging
internal import Synchronization

/// Finds and calls services: keeps the list of each service that is used, picks a good instance for each call, tries
/// again elsewhere when that is safe, leaves out instances that fail, and goes on with the last good list when the
/// registry is away.
///
/// One client serves a whole process. A look-up is local: the registry is never asked on the way of a call, but for
/// the first one to a service.
///
/// ```swift
/// let client = ServiceClient(registry)
/// let answer = try await client.withInstance(of: "orders", CallOptions(isIdempotent: true)) { target in
///     try await fetch("\(target.url)/orders/42")
/// }
/// ```
public final class ServiceClient: Sendable {
    private struct State {
        var services: [ServiceName: FollowedService] = [:]
        var idle: IdleServices?
        /// Lets services go that are not used; there while there are services.
        var sweeper: Task<Void, Never>?
        var isClosed = false
    }

    let discovery: any Discovery
    let configuration: ServiceClientConfiguration
    /// The time that the client runs by.
    public let time: TimeSource
    let logger: Logger
    private let state: Mutex<State>
    private let keeper: SnapshotKeeper?

    /// - Parameter discovery: It stays the caller's, to be shut down after the client.
    public init(
        _ discovery: any Discovery, configuration: ServiceClientConfiguration = ServiceClientConfiguration(),
        time: TimeSource = .system, logger: Logger = Logger(label: "rollcall.client")
    ) {
        self.discovery = discovery
        self.configuration = configuration
        self.time = time
        self.logger = logger
        state = Mutex(
            State(idle: configuration.idleLimit.map { IdleServices(limit: max($0, configuration.firstListTimeout)) }))
        keeper = configuration.snapshotFile.map { SnapshotKeeper(file: SnapshotFile(path: $0), time: time, logger) }
    }

    deinit { stopAll() }

    /// Stops following all services and stores their lists. Later calls throw ``CallError``; those under way go on.
    public func shutdown() async {
        // Before the services are forgotten: what is stored is what is known of them.
        await keeper?.close()
        stopAll()
    }

    private func stopAll() {
        let services = state.withLock { state in
            state.isClosed = true
            state.sweeper?.cancel()
            state.sweeper = nil
            defer { state.services = [:] }
            return state.services
        }
        for service in services.values { service.stop() }
    }

    // MARK: Looking up

    /// The instances of a service as far as they are known, whatever their status. The first time for a service this
    /// waits for the registry, up to ``ServiceClientConfiguration/firstListTimeout``.
    ///
    /// - Throws: ``CallError`` when the registry could not be asked and no list is there from before.
    public func lookup(_ service: ServiceName) async throws(CallError) -> KnownService {
        let followed = try followed(service)
        guard let known = await followed.known() else { throw CallError(service: service, reason: .noList) }
        return known
    }

    /// The instances of a service that may be called, now and after each change: for clients of other protocols, which
    /// keep connections of their own and have to be told where to.
    ///
    /// - Throws: ``CallError`` when the client was shut down.
    public func routable(_ service: ServiceName) throws(CallError) -> RoutableInstances {
        RoutableInstances(try followed(service))
    }

    /// Asks the registry for the list of a service now. What it answers replaces the list that is kept; when it does
    /// not answer, that list stays.
    ///
    /// - Throws: Why the registry could not be asked.
    public func refresh(_ service: ServiceName) async throws {
        try await followed(service).askAgain()
    }

    /// The services that are followed, with what is known of them. To look at them is no use of them.
    public var services: [KnownService] {
        state.withLock { Array($0.services.values) }.compactMap(\.knownNow).sorted {
            $0.snapshot.service < $1.snapshot.service
        }
    }

    /// Follows `service` from now on, so that its list is there for the first call.
    func followed(_ service: ServiceName) throws(CallError) -> FollowedService {
        let (found, isNew) = try state.withLock { state throws(CallError) in
            if let known = state.services[service] {
                known.noteUse()
                return (known, false)
            }
            if state.isClosed { throw CallError(service: service, reason: .closed) }
            let new = FollowedService(
                service, saved: keeper?.saved(service), discovery: discovery, configuration: configuration, time: time,
                logger: logger
            ) { [weak self] in self?.listChanged() }
            state.services[service] = new
            if state.sweeper == nil, let idle = state.idle { state.sweeper = sweeper(every: idle.interval) }
            return (new, true)
        }
        if isNew { found.start() }
        return found
    }

    // MARK: Letting go

    private func sweeper(every interval: Duration) -> Task<Void, Never> {
        Task.detached { [weak self, time] in
            while (try? await time.sleep(until: time.now() + interval)) != nil {
                guard let self, self.letGoOfIdle() else { return }
            }
        }
    }

    /// - Returns: Whether there are services left to look after.
    private func letGoOfIdle() -> Bool {
        let now = time.now()
        let (idle, isDone) = state.withLock { state -> ([FollowedService], Bool) in
            let services = state.services
            let names = state.idle?.collect(services.keys, now: now) { services[$0]?.takeUse() ?? false } ?? []
            let idle = names.compactMap { state.services.removeValue(forKey: $0) }
            for service in idle {
                // Within the lock: one that is followed anew meanwhile begins with the list that is saved here, and
                // its own figures come after these.
                keeper?.save(service.knownNow)
                service.metrics.forgotten()
            }
            if state.services.isEmpty { state.sweeper = nil }
            return (idle, state.services.isEmpty)
        }
        for service in idle {
            service.stop()
            logger.debug("a service is followed no more: nobody uses it", metadata: ["service": "\(service.service)"])
        }
        return !isDone
    }

    private func listChanged() {
        guard let keeper else { return }
        keeper.keep { [weak self] in self?.services.filter { $0.origin == .registry }.map(\.snapshot) ?? [] }
    }

    // MARK: Calling

    /// Calls a service: picks an instance, and tries another one when the call fails and may be repeated.
    ///
    /// What `body` throws counts as the instance's fault when it is ``CallFailureConvertible``; other errors are passed
    /// on as they are and are not repeated.
    ///
    /// - Parameter body: Makes the call at the instance it is given. It is cancelled when its time is over; a body that
    ///   does not heed that is not waited for.
    /// - Throws: What `body` threw, or ``CallError``: what was tried and why no more.
    public func withInstance<Value: Sendable>(
        of service: ServiceName, _ options: CallOptions = CallOptions(),
        _ body: @escaping @Sendable (CallTarget) async throws -> Value
    ) async throws -> Value {
        try await call(service, options, body) { result in
            switch result {
            case .success: CallReport(.success)
            case .failure(let error): CallReport(of: error)
            }
        }
    }

    /// Calls a service as ``withInstance(of:_:_:)`` does, for protocols whose answers can be failures of the instance.
    ///
    /// - Parameter judge: Says what an answer or an error shows. An answer that is a failure is returned when no try
    ///   had a better one.
    public func call<Value: Sendable>(
        _ service: ServiceName, _ options: CallOptions,
        _ body: @escaping @Sendable (CallTarget) async throws -> Value,
        judge: @escaping @Sendable (Result<Value, any Error>) -> CallReport
    ) async throws -> Value {
        let followed = try followed(service)
        guard let known = await followed.known() else { throw CallError(service: service, reason: .noList) }
        let start = time.now()
        let permit: ServiceJudge.Permit
        do throws(CallRefused) {
            permit = try followed.admit(now: start)
        } catch {
            followed.metrics.wasRefused()
            throw CallError(service: service, reason: error.reason, instances: known.snapshot.count)
        }
        let answers = AnswerStore<Value>()
        var runner = CallRunner(followed, options, configuration, time) { target in
            do {
                let value = try await body(target)
                answers.keep(value, of: target.attempt)
                return TryEnd(report: judge(.success(value)), error: nil)
            } catch {
                return TryEnd(report: judge(.failure(error)), error: error)
            }
        }
        let end = await runner.run()
        let now = time.now()
        let outcome =
            switch end {
            case .answer(_, let outcome), .failure(_, let outcome): outcome
            }
        followed.ended(permit, outcome, since: start, now: now)
        followed.metrics.ended(successfully: outcome == .success, after: now - start)
        switch end {
        case .failure(let error, _): throw error
        case .answer(let number, _): return try answers.answer(of: number, service)
        }
    }
}

/// What the tries of one call returned.
private final class AnswerStore<Value: Sendable>: Sendable {
    private let values = Mutex<[(number: Int, value: Value)]>([])

    func keep(_ value: Value, of number: Int) { values.withLock { $0.append((number, value)) } }

    /// - Throws: ``CallError``: never, as a try that ended with an answer has kept it.
    func answer(of number: Int, _ service: ServiceName) throws(CallError) -> Value {
        let found = values.withLock { values in values.first { $0.number == number } }
        guard let found else { throw CallError(service: service, reason: .gaveUp(.noEndpoint)) }
        return found.value
    }
}
