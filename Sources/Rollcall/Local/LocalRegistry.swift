// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Logging
internal import Synchronization

/// A registry in this process: the catalog, the leases and the brake, over a journal that makes it durable, or without
/// one for tests and for embedding.
///
/// Writes are decided one after the other by a single task, in batches: all that came in while the batch before was
/// being made durable is one transaction (group commit). A batch is decided, made durable, and only then applied and
/// published, so nobody ever sees what a crash could take back. Heartbeats pass all this by: they touch the lease
/// alone.
public final class LocalRegistry: CatalogRegistry {
    /// What a registry accepts, and how much it holds at once.
    public struct Configuration: Sendable {
        /// Registrations that go beyond are refused as `invalid`.
        public var limits = ModelLimits.standard
        /// When evictions are held back because too many leases run out together.
        public var brake = BrakeConfiguration()
        /// How much is remembered for watches that resume.
        public var catalog = Catalog.Configuration()
        /// Writes that may wait; further ones are refused as `overloaded`.
        public var waitingWrites = 65_536
        /// Writes that are made durable together at most.
        public var batchWrites = 8192

        /// The defaults, to be changed property by property.
        public init() {}
    }

    public let catalog: Catalog
    private let configuration: Configuration
    private let time: TimeSource
    private let leases: LeaseClock
    let queue: WriteQueue
    let recoveredRecords: RecoveredRecords
    private let committer: Committer
    private let tasks: Mutex<[Task<Void, Never>]>

    /// Opens a registry with what its journal recovered. Every instance gets a full lease from now.
    ///
    /// - Parameters:
    ///   - recovered: `nil` begins anew; see ``RecoveredState/begun(at:)``.
    ///   - journal: Where to make changes durable; `nil` keeps everything in memory only.
    ///   - time: The time that leases run by.
    public init(
        recovered: RecoveredState? = nil, journal: (any Journal)? = nil,
        configuration: Configuration = Configuration(), time: TimeSource = .system,
        logger: Logger = Logger(label: "rollcall.registry")
    ) {
        self.configuration = configuration
        self.time = time
        let recovered = recovered ?? .begun(at: time.wallTime())
        catalog = Catalog(configuration: configuration.catalog, revision: recovered.revision)
        let instances = recovered.instances.map(\.withCurrentLease)
        catalog.load(instances, revision: recovered.revision)
        recoveredRecords = RecoveredRecords(recovered.records)
        queue = WriteQueue(limit: configuration.waitingWrites)
        leases = LeaseClock(brake: configuration.brake, time: time, queue: queue)
        leases.restore(instances)
        committer = Committer(
            catalog: catalog, leases: leases, journal: journal, limits: configuration.limits, time: time, logger: logger
        )
        let commits = Task { [queue, committer, most = configuration.batchWrites] in
            await committer.run(queue, most: most)
        }
        let expiry = Task { [leases] in await leases.run() }
        tasks = Mutex([commits, expiry])
    }

    deinit {
        queue.close()
        for task in tasks.withLock({ $0 }) { task.cancel() }
    }

    /// Finishes the writes that were accepted, closes the journal and ends all watches. Later writes throw `closed`.
    public func shutdown() async {
        queue.close()
        let (commits, expiry) = tasks.withLock { ($0.first, $0.last) }
        expiry?.cancel()
        await commits?.value
        catalog.close()
    }

    @discardableResult
    public func register(_ registration: Registration, life: Life) async throws(RegistryError) -> RegistrationReceipt {
        try registration.validate(limits: configuration.limits, needsPort: false)
        if registration.lease.kind == .connection {
            throw RegistryError(
                .unsupported,
                "registration of \(registration.key): this engine has no connection leases; use heartbeat or none")
        }
        let reply = try await queue.submit(.register(registration, life), "registration of \(registration.key)")
        guard case .registered(let receipt) = reply else { preconditionFailure("a registration was answered \(reply)") }
        return receipt
    }

    public func deregister(_ key: InstanceKey, incarnation: Incarnation?) async throws(RegistryError) {
        _ = try await queue.submit(.deregister(key, incarnation), "deregistration of \(key)")
    }

    @discardableResult
    public func update(_ key: InstanceKey, incarnation: Incarnation?, _ update: InstanceUpdate)
        async throws(RegistryError) -> ServiceInstance
    {
        let reply = try await queue.submit(.update(key, incarnation, update), "update of \(key)")
        guard case .updated(let instance) = reply else { preconditionFailure("an update was answered \(reply)") }
        return instance
    }

    public func heartbeat(_ heartbeats: [Heartbeat]) async throws(RegistryError) -> [HeartbeatOutcome] {
        let (outcomes, hasRevived) = leases.renew(heartbeats, instance: catalog.instance)
        if hasRevived { _ = try await queue.submit(.barrier, "heartbeat") }
        return outcomes
    }

    public func renewImmediately(_ heartbeats: [Heartbeat]) -> [HeartbeatOutcome]? {
        leases.renewIfCurrent(heartbeats, instance: catalog.instance)
    }

    public func releaseBrake(_ service: ServiceName?) async {
        leases.release(service)
        // Fails only when the registry is shutting down: then there is nothing left to wait for.
        _ = try? await queue.submit(.barrier, "release of the brake")
    }

    public var statistics: RegistryStatistics {
        var statistics = leases.statistics
        committer.addStatistics(to: &statistics)
        statistics.waitingWrites = queue.count
        return statistics
    }
}

extension ServiceInstance {
    /// The instance as it is after a restart of the registry.
    fileprivate var withCurrentLease: ServiceInstance {
        leaseState == .current ? self : changed(leaseState: .current, revision: revision, at: changedAt)
    }
}
