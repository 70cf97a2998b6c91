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
    public struct Configuration: Sendable, Hashable {
        /// How long callers are given to move away between the drain and the deregistration. 5 s: a watch tells within
        /// milliseconds, this is for those that poll or that have long requests.
        public var drainWait: Duration = .seconds(5)
        /// How long the drain and the deregistration may each take when the registry does not answer.
        public var farewellTimeout: Duration = .seconds(5)
        /// Between attempts when the registry is away.
        public var backoff = Backoff()

        public init() {}
    }

    /// What happened to a registration, for those who want to be told.
    public enum Event: Sendable {
        /// Registered, or registered again.
        case registered(ServiceInstance)
        /// Another process registered under the same identity; this one has given up.
        case superseded(InstanceKey)
        /// The registry refuses the registration for good.
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

    private var machines: [InstanceKey: RegistrationMachine] = [:]
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
    }

    /// Keeps the instances registered until a graceful shutdown or until the task is cancelled.
    ///
    /// - Throws: What `registrations` threw.
    public func run() async throws {
        do {
            let ready = try await cancelWhenGracefulShutdown { [registrations] in try await registrations() }
            start(ready)
            // Ends by the shutdown or the cancellation, and by nothing else.
            try? await gracefulShutdown()
        } catch is CancellationError {
            return
        }
        let isGraceful = !Task.isCancelled
        // The farewell has to be said also when this task is cancelled, so it has a task of its own.
        await Task { await self.leave(isGraceful: isGraceful) }.value
    }

    private func leave(isGraceful: Bool) async {
        if isGraceful {
            await drain()
            if configuration.drainWait > .zero { try? await time.sleep(until: time.now() + configuration.drainWait) }
        }
        await deregister()
    }

    // MARK: Steps, for those that run their own life cycle

    /// Begins to keep these instances registered, beside those it keeps already, and returns at once.
    public func start(_ registrations: [Registration]) {
        guard !isLeaving else { return }
        for registration in registrations { keep(registration) }
        if loop == nil { loop = Task { await self.keepRegistered() } }
        signal.wake()
    }

    /// Registers other attributes or another address under an identity that is kept already, or a further instance.
    public func update(_ registration: Registration) { start([registration]) }

    /// Asks the registry to send no new requests to the instances. It returns when the registry has answered, or after
    /// the farewell time-out; a failure is logged.
    public func drain() async {
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
        machines.removeAll()
    }

    /// Whether every instance is registered, as far as is known.
    public var isRegistered: Bool { !machines.isEmpty && machines.values.allSatisfy(\.isRegistered) }

    // MARK: Work

    private func keep(_ registration: Registration) {
        let now = time.now()
        if machines[registration.key] != nil {
            machines[registration.key]?.replace(registration, now: now)
        } else {
            machines[registration.key] = RegistrationMachine(registration, now: now, backoff: configuration.backoff)
        }
    }

    private func keepRegistered() async {
        while !Task.isCancelled && !isLeaving {
            let now = time.now()
            var beats: [Heartbeat] = []
            var registrations: [(Registration, Life)] = []
            for key in machines.keys {
                switch machines[key]?.next(now: now) {
                case .register(let registration, let life): registrations.append((registration, life))
                case .heartbeat(let heartbeat): beats.append(heartbeat)
                case nil: break
                }
            }
            if registrations.isEmpty && beats.isEmpty {
                await sleep()
            } else {
                await register(registrations)
                await send(beats)
            }
        }
    }

    /// Until the next thing is due, or until somebody calls.
    private func sleep() async {
        let wake = machines.values.compactMap(\.wake).min()
        let alarm = wake.map { wake in
            Task { [time, signal] in
                guard (try? await time.sleep(until: wake)) != nil else { return }
                signal.wake()
            }
        }
        await signal.wait()
        alarm?.cancel()
    }

    private func register(_ registrations: [(Registration, Life)]) async {
        await withTaskGroup(of: (InstanceKey, Result<RegistrationReceipt, RegistryError>).self) { group in
            for (registration, life) in registrations {
                group.addTask { [registry] in
                    do throws(RegistryError) {
                        return (registration.key, .success(try await registry.register(registration, life: life)))
                    } catch {
                        return (registration.key, .failure(error))
                    }
                }
            }
            for await (key, result) in group { registrationAnswered(key, result) }
        }
    }

    private func registrationAnswered(_ key: InstanceKey, _ result: Result<RegistrationReceipt, RegistryError>) {
        let now = time.now()
        switch result {
        case .success(let receipt):
            machines[key]?.registered(as: receipt.incarnation, now: now, using: &random)
            logger.info("registered", metadata: ["instance": "\(key)", "incarnation": "\(receipt.incarnation)"])
            onEvent(.registered(receipt.instance))
        case .failure(let error):
            machines[key]?.registrationFailed(error, now: now, using: &random)
            tell(key, after: error)
        }
    }

    private func send(_ beats: [Heartbeat]) async {
        guard !beats.isEmpty else { return }
        do throws(RegistryError) {
            let outcomes = try await registry.heartbeat(beats)
            let now = time.now()
            for (beat, outcome) in zip(beats, outcomes) {
                machines[beat.key]?.heartbeatAnswered(outcome, now: now, using: &random)
                switch outcome {
                case .renewed: break
                case .unknown: logger.notice("the registry forgot it", metadata: ["instance": "\(beat.key)"])
                case .fenced: tell(beat.key, after: nil)
                }
            }
        } catch {
            let now = time.now()
            logger.warning("heartbeat failed", metadata: ["instances": "\(beats.count)", "error": "\(error)"])
            for beat in beats { machines[beat.key]?.heartbeatFailed(error, now: now, using: &random) }
        }
    }

    private func tell(_ key: InstanceKey, after error: RegistryError?) {
        switch machines[key]?.phase {
        case .superseded(let current):
            logger.error(
                "another process registered this instance; giving it up",
                metadata: ["instance": "\(key)", "incarnation": "\(current)"])
            onEvent(.superseded(key))
        case .refused:
            guard let error else { return }
            logger.error(
                "the registry refuses the registration", metadata: ["instance": "\(key)", "error": "\(error)"])
            onEvent(.refused(key, error))
        default:
            guard let error else { return }
            logger.warning("registration failed", metadata: ["instance": "\(key)", "error": "\(error)"])
            onEvent(.failed(key, error))
        }
    }

    /// Says one thing about each instance that the registry knows, all at once, within the farewell time-out.
    private func farewell(
        _ action: String,
        _ say: @escaping @Sendable (any Registry, InstanceKey, Incarnation) async throws(RegistryError) -> Void
    ) async {
        let known = machines.values.compactMap { machine -> (InstanceKey, Incarnation)? in
            if case .superseded = machine.phase { return nil }
            return machine.incarnation.map { (machine.registration.key, $0) }
        }
        await withinFarewellTimeout(
            known.map { key, incarnation in
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
