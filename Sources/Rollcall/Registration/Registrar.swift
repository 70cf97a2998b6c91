// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Logging
public import ServiceLifecycle

/// Keeps the instances of this process registered for exactly as long as the process can serve.
///
/// As a `Service` it registers when the application is ready, sends heartbeats at a third of the lease, registers again
/// when the registry has forgotten an instance, and at a graceful shutdown drains, waits until callers have moved away,
/// and deregisters. When its task is cancelled (the process leaves by an error) it deregisters at once. That the
/// registry is away never ends it and never disturbs the application.
///
/// ```swift
/// let registrar = Registrar(registry: registry) { [Registration(service: "web", host: "10.0.0.7", port: 8080)] }
/// try await ServiceGroup(services: [server, registrar], gracefulShutdownSignals: [.sigterm], logger: logger).run()
/// ```
public actor Registrar: Service {
    /// How patient a registrar is.
    public struct Configuration: Sendable, Hashable {
        /// How long callers are given to move away between the drain and the deregistration. 5 s: a watch tells within
        /// milliseconds, this is for those that poll or that have long requests.
        public var drainWait: Duration = .seconds(5)
        /// How long the drain and the deregistration may each take when the registry does not answer.
        public var farewellTimeout: Duration = .seconds(5)
        /// Between attempts when the registry is away.
        public var backoff = Backoff()

        /// The defaults, to be changed property by property.
        public init() {}
    }

    /// What happened to a registration, for those who want to be told.
    public enum Event: Sendable {
        /// Registered, or registered again.
        case registered(ServiceInstance)
        /// Another process registered under the same identity; this one has given up.
        case superseded(InstanceKey)
        /// The registry refuses a registration, or a change of one, for good.
        case refused(InstanceKey, RegistryError)
        /// An attempt failed and will be repeated.
        case failed(InstanceKey, RegistryError)
    }

    private let registry: any Registry
    private let configuration: Configuration
    private let time: TimeSource
    private let logger: Logger
    private let registrations: @Sendable () async throws -> [Registration]
    private let onEvent: @Sendable (Event) -> Void
    private let signal = WakeSignal()

    private var registered: RegistrationSet
    private var random = SystemRandomNumberGenerator()
    private var loop: Task<Void, Never>?
    private var isLeaving = false

    /// - Parameters:
    ///   - onEvent: Told what happens to the registrations; it must return soon.
    ///   - registrations: Returns what to register, when the application is ready: after its listener is bound and its
    ///     own health says so. It may wait as long as that takes. What it throws ends ``run()``.
    public init(
        registry: any Registry, configuration: Configuration = Configuration(), time: TimeSource = .system,
        logger: Logger = Logger(label: "rollcall.registrar"), onEvent: @escaping @Sendable (Event) -> Void = { _ in },
        registrations: @escaping @Sendable () async throws -> [Registration]
    ) {
        self.registry = registry
        self.configuration = configuration
        self.time = time
        self.logger = logger
        self.onEvent = onEvent
        self.registrations = registrations
        registered = RegistrationSet(backoff: configuration.backoff)
    }

    /// Keeps the instances registered until a graceful shutdown or until the task is cancelled. A cancellation also
    /// ends the wait of a shutdown that is under way.
    ///
    /// - Throws: What `registrations` threw, unless it was told to stop by then.
    public func run() async throws {
        do {
            let ready = try await cancelWhenGracefulShutdown { [registrations] in try await registrations() }
            if !isToldToStop { start(ready) }
        } catch {
            // Whoever is stopped while getting ready may well say that it did not get there.
            guard isToldToStop else { throw error }
        }
        // Ends by the shutdown or the cancellation, and by nothing else.
        try? await gracefulShutdown()
        if !Task.isCancelled && !registered.known.isEmpty {
            await drain()
            if configuration.drainWait > .zero { try? await time.sleep(until: time.now() + configuration.drainWait) }
        }
        // It has to be said also when this task is cancelled, so it has a task of its own.
        await Task { await self.deregister() }.value
    }

    private nonisolated var isToldToStop: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    // MARK: Steps, for those that run their own life cycle

    /// Begins to keep these instances registered, beside those it keeps already, and returns at once. After ``drain()``
    /// or ``deregister()`` it does nothing.
    public func start(_ registrations: [Registration]) {
        guard !isLeaving else { return }
        let now = time.now()
        for registration in registrations { registered.keep(registration, now: now) }
        if loop == nil { loop = Task { await self.keepRegistered() } }
        signal.wake()
    }

    /// Registers other attributes or another address under an identity that is kept already, or a further instance. It
    /// returns at once. When the registry refuses the change for good, what it has stays registered.
    public func update(_ registration: Registration) { start([registration]) }

    /// Asks the registry to send no new requests to the instances. It returns when the registry has answered, or after
    /// the farewell time-out; a failure is logged. The heartbeats go on, but nothing is registered any more.
    public func drain() async {
        registered.drain()
        await farewell("drain") { registry, key, incarnation throws(RegistryError) in
            try await registry.update(
                key, incarnation: incarnation, .desired(.draining(until: nil, reason: "shutdown")))
        }
    }

    /// Stops the heartbeats and takes the instances from the registry, within the farewell time-out; a failure is
    /// logged, and the leases then do what is left to do.
    public func deregister() async {
        isLeaving = true
        signal.wake()
        if let loop {
            // A registration that is under way is waited for: cut off, it might be accepted and nobody would take it
            // back.
            await withinFarewellTimeout([
                {
                    await withTaskCancellationHandler {
                        await loop.value
                    } onCancel: {
                        loop.cancel()
                    }
                }
            ])
        }
        loop = nil
        await farewell("deregistration") { registry, key, incarnation throws(RegistryError) in
            try await registry.deregister(key, incarnation: incarnation)
        }
        registered.removeAll()
    }

    /// Whether the registry has every instance, as far as is known; `false` when there is none.
    public var isRegistered: Bool {
        !registered.machines.isEmpty && registered.machines.values.allSatisfy(\.isRegistered)
    }

    // MARK: Work

    private func keepRegistered() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled && !isLeaving {
                let due = registered.due(now: time.now())
                if due.isEmpty { await sleep() }
                // Nobody waits for another's answer: one registration that hangs must not cost the rest their leases.
                for (registration, life) in due.registrations {
                    group.addTask { await self.register(registration, life) }
                }
                if !due.heartbeats.isEmpty { group.addTask { await self.send(due.heartbeats) } }
            }
        }
    }

    /// Until the next thing is due, or until somebody calls.
    private func sleep() async {
        let alarm = registered.wake.map { wake in
            Task { [time, signal] in
                guard (try? await time.sleep(until: wake)) != nil else { return }
                signal.wake()
            }
        }
        await signal.wait()
        alarm?.cancel()
    }

    private func register(_ registration: Registration, _ life: Life) async {
        let key = registration.key
        do throws(RegistryError) {
            let receipt = try await registry.register(registration, life: life)
            let now = time.now()
            registered.told(key) { $0.registered(as: receipt.incarnation, now: now, using: &random) }
            logger.info("registered", metadata: ["instance": "\(key)", "incarnation": "\(receipt.incarnation)"])
            onEvent(.registered(receipt.instance))
        } catch {
            let now = time.now()
            registered.told(key) { $0.registrationFailed(error, now: now, using: &random) }
            tell(key, error)
        }
        signal.wake()
    }

    private func send(_ beats: [Heartbeat]) async {
        do throws(RegistryError) {
            let outcomes = try await registry.heartbeat(beats)
            let now = time.now()
            for (number, beat) in beats.enumerated() {
                // An engine that answers with another count has a bug; to register anew repairs what it has broken.
                let outcome = number < outcomes.count ? outcomes[number] : .unknown
                registered.told(beat.key) { $0.heartbeatAnswered(outcome, now: now, using: &random) }
                switch outcome {
                case .renewed: break
                case .unknown: logger.notice("the registry forgot it", metadata: ["instance": "\(beat.key)"])
                case .fenced(let current): tellSuperseded(beat.key, by: current)
                }
            }
        } catch {
            let now = time.now()
            logger.warning("heartbeat failed", metadata: ["instances": "\(beats.count)", "error": "\(error)"])
            for beat in beats {
                registered.told(beat.key) { $0.heartbeatFailed(error, now: now, using: &random) }
            }
        }
        signal.wake()
    }

    private func tellSuperseded(_ key: InstanceKey, by current: Incarnation?) {
        logger.error(
            "another process registered this instance; giving it up",
            metadata: ["instance": "\(key)", "incarnation": "\(current?.description ?? "?")"])
        onEvent(.superseded(key))
    }

    private func tell(_ key: InstanceKey, _ error: RegistryError) {
        if error.code == .fenced {
            tellSuperseded(key, by: error.currentIncarnation)
        } else if error.isRefusal {
            logger.error(
                "the registry refuses the registration", metadata: ["instance": "\(key)", "error": "\(error)"])
            onEvent(.refused(key, error))
        } else {
            logger.warning("registration failed", metadata: ["instance": "\(key)", "error": "\(error)"])
            onEvent(.failed(key, error))
        }
    }

    /// Says one thing about each instance that the registry knows, all at once, within the farewell time-out.
    private func farewell(
        _ action: String,
        _ say: @escaping @Sendable (any Registry, InstanceKey, Incarnation) async throws(RegistryError) -> Void
    ) async {
        await withinFarewellTimeout(
            registered.known.map { key, incarnation in
                { [registry, logger] in
                    do throws(RegistryError) {
                        try await say(registry, key, incarnation)
                        logger.info("\(action) done", metadata: ["instance": "\(key)"])
                    } catch {
                        guard error.code != .unknownInstance else { return }
                        logger.warning("\(action) failed", metadata: ["instance": "\(key)", "error": "\(error)"])
                    }
                }
            })
    }

    /// Does all of these at once, and cancels what is not done within the farewell time-out.
    private func withinFarewellTimeout(_ steps: [@Sendable () async -> Void]) async {
        let deadline = time.now() + configuration.farewellTimeout
        await withTaskGroup(of: Bool.self) { group in
            for step in steps {
                group.addTask {
                    await step()
                    return true
                }
            }
            group.addTask { [time] in
                try? await time.sleep(until: deadline)
                return false
            }
            var open = steps.count
            while open > 0, await group.next() == true { open -= 1 }
            group.cancelAll()
        }
    }
}
