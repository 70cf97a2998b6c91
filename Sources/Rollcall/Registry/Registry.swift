// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Finds instances of services, on any engine.
///
/// **Contract.** The suite in `RollcallTesting` holds every implementation against it.
/// - Missing is not an error: an unknown service is an empty snapshot. A method throws only when the engine could not
///   be asked.
/// - ``watch(_:from:)`` begins with a complete snapshot, or resumes after `revision` when the engine still knows what
///   happened since; then changes, or newer snapshots, in the order of their revisions. A consumer that reads slowly
///   gets the newest state instead of every step on the way. It never makes another consumer wait and holds bounded
///   memory.
/// - Losing the engine is the event ``WatchEvent/engine(_:)``, never an empty list. The watch goes on by itself when
///   the engine is back, and ends when its task is cancelled or the engine is shut down.
public protocol Discovery: Sendable {
    /// The services that have at least one instance, sorted by name.
    func services() async throws(RegistryError) -> [ServiceSummary]

    /// The present instances of `service`.
    func lookup(_ service: ServiceName) async throws(RegistryError) -> ServiceSnapshot

    /// Follows what happens to `scope`.
    ///
    /// - Parameter revision: The last revision that the caller has seen, to resume there; `nil` begins with a snapshot.
    func watch(_ scope: WatchScope, from revision: Revision?) -> Watch
}

extension Discovery {
    /// Follows what happens to `scope`, beginning with a snapshot.
    public func watch(_ scope: WatchScope) -> Watch { watch(scope, from: nil) }
}

/// Writes to a registry, on any engine.
///
/// **Contract**, beside that of ``Discovery``:
/// - A method returns after the engine made the write durable, as far as the engine is durable at all, and after it can
///   be looked up. When it throws, nothing was changed.
/// - Registering an identity that exists updates it and renews its lease. What others have said of it (desired state,
///   results of checks that ask the same as before) stays, unless a new life begins; maintenance outlives that too.
/// - A write that names an incarnation other than the present one has no effect and throws `fenced`, or
///   `unknownInstance` when there is no such instance.
/// - Removing the last instance of a service removes the service.
public protocol Registry: Discovery {
    /// Registers an instance, or updates it when it is registered already.
    ///
    /// - Throws: `invalid`, `fenced`, or that the engine could not do it.
    @discardableResult
    func register(_ registration: Registration, life: Life) async throws(RegistryError) -> RegistrationReceipt

    /// Removes an instance.
    ///
    /// - Parameter incarnation: The life that is meant; `nil` means whichever is present.
    /// - Throws: `unknownInstance`, `fenced`, or that the engine could not do it.
    func deregister(_ key: InstanceKey, incarnation: Incarnation?) async throws(RegistryError)

    /// Renews leases. An instance that was `down` because its lease had run out comes back.
    ///
    /// - Returns: An outcome for each heartbeat, in their order.
    func heartbeat(_ heartbeats: [Heartbeat]) async throws(RegistryError) -> [HeartbeatOutcome]

    /// Changes what is said of an instance, beside its registration.
    ///
    /// - Returns: The instance after the change.
    /// - Throws: `unknownInstance`, `fenced`, `invalid`, or that the engine could not do it.
    @discardableResult
    func update(_ key: InstanceKey, incarnation: Incarnation?, _ update: InstanceUpdate) async throws(RegistryError)
        -> ServiceInstance
}

extension Registry {
    /// Registers an instance, or updates it when it is registered already.
    @discardableResult
    public func register(_ registration: Registration) async throws(RegistryError) -> RegistrationReceipt {
        try await register(registration, life: .present)
    }

    /// Removes an instance, whichever its incarnation.
    public func deregister(_ key: InstanceKey) async throws(RegistryError) {
        try await deregister(key, incarnation: nil)
    }

    /// Renews one lease.
    public func heartbeat(_ key: InstanceKey, incarnation: Incarnation? = nil) async throws(RegistryError)
        -> HeartbeatOutcome
    {
        // An engine that answers with another count has a bug; saying that the instance is unknown makes it register
        // anew.
        try await heartbeat([Heartbeat(key, incarnation: incarnation)]).first ?? .unknown
    }
}

/// Which life a registration belongs to.
public enum Life: Sendable, Hashable {
    /// The present life when the instance is registered, else a new one.
    case present
    /// A new life: what was registered under this identity before is replaced, and its late writes have no effect. For
    /// a process that just started.
    case new
    /// The life with this incarnation. A lower one than the present is refused as `fenced`, a higher one begins a new
    /// life; one above ``Incarnation/highestNamed`` is `invalid`.
    case incarnation(Incarnation)
}

/// What came of a registration.
public struct RegistrationReceipt: Sendable, Hashable {
    /// The instance as registered, with the incarnation that later writes should name.
    public let instance: ServiceInstance
    /// Whether a new life began, rather than an update of a present one.
    public let isNewLife: Bool

    /// What an engine answers when the write is durable.
    public init(instance: ServiceInstance, isNewLife: Bool) {
        self.instance = instance
        self.isNewLife = isNewLife
    }

    /// What later writes of this life should name.
    public var incarnation: Incarnation { instance.incarnation }
}

/// Says that an instance lives.
public struct Heartbeat: Sendable, Hashable {
    /// Who lives.
    public let key: InstanceKey
    /// The life that is meant; `nil` means whichever is present.
    public let incarnation: Incarnation?

    /// - Parameter incarnation: Named, the heartbeat of a former life cannot keep its successor registered.
    public init(_ key: InstanceKey, incarnation: Incarnation? = nil) {
        self.key = key
        self.incarnation = incarnation
    }
}

/// What came of a heartbeat.
public enum HeartbeatOutcome: Sendable, Hashable {
    /// The lease runs anew for its full time.
    case renewed
    /// No such instance: register it again.
    case unknown
    /// The heartbeat came from a former life; this incarnation is present.
    case fenced(Incarnation)
}

/// A change of what is said of an instance, beside its registration.
public enum InstanceUpdate: Sendable, Hashable {
    /// What is wanted of the instance, in place of what was wanted before.
    case desired(DesiredState)
    /// What the instance says of its readiness, in place of what it registered with.
    case readiness(Readiness)
    /// The result of a check; the registry notes since when the status has been the same.
    ///
    /// The output of a check whose status stays is not replaced, so that one that is reported like a heartbeat costs
    /// nothing.
    case check(id: String, status: HealthCheck.Status, output: String)
    /// Replaces the output of a check whose status stays. Every one is a durable change that all watchers hear of: not
    /// for each round of a check.
    case checkOutput(id: String, output: String)
    /// Forgets a check that the registration does not declare.
    case removeCheck(id: String)
}

/// A service in a list of services.
public struct ServiceSummary: Sendable, Hashable {
    /// As it was first registered.
    public let service: ServiceName
    /// How many, whatever their status.
    public let instances: Int
    /// Instances that are `up` or `warning`.
    public let healthy: Int
    /// All tags of its instances, sorted.
    public let tags: [String]
    /// The revision that last changed the service.
    public let revision: Revision

    /// A summary that an engine made or passed on; ``ServiceSnapshot/summary`` makes one.
    public init(service: ServiceName, instances: Int, healthy: Int, tags: [String], revision: Revision) {
        self.service = service
        self.instances = instances
        self.healthy = healthy
        self.tags = tags
        self.revision = revision
    }
}
