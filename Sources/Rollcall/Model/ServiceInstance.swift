// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// One instance of a service as the registry knows it: its registration, and what others say of it.
///
/// A value; copies share their storage.
public struct ServiceInstance: Sendable, Hashable {
    private let storage: Storage

    private final class Storage: Sendable {
        let registration: Registration
        let incarnation: Incarnation
        let desired: DesiredState
        let checks: [HealthCheck]
        let leaseState: LeaseState
        let status: InstanceStatus
        let revision: Revision
        let registeredAt: WallTime
        let changedAt: WallTime

        init(
            _ registration: Registration, _ incarnation: Incarnation, _ desired: DesiredState, _ checks: [HealthCheck],
            _ leaseState: LeaseState, _ revision: Revision, _ registeredAt: WallTime, _ changedAt: WallTime
        ) {
            self.registration = registration
            self.incarnation = incarnation
            self.desired = desired
            self.checks = checks
            self.leaseState = leaseState
            self.status = InstanceStatus(
                desired: desired, readiness: registration.readiness, checks: checks, lease: leaseState)
            self.revision = revision
            self.registeredAt = registeredAt
            self.changedAt = changedAt
        }
    }

    /// - Parameters:
    ///   - checks: The last result of each check, sorted by identifier here.
    ///   - revision: The revision of the change that made this value.
    ///   - registeredAt: When this incarnation began.
    public init(
        registration: Registration, incarnation: Incarnation, desired: DesiredState = .enabled,
        checks: [HealthCheck] = [], leaseState: LeaseState = .current, revision: Revision, registeredAt: WallTime,
        changedAt: WallTime
    ) {
        storage = Storage(
            registration, incarnation, desired, checks.sorted { $0.id < $1.id }, leaseState, revision, registeredAt,
            changedAt)
    }

    /// What it said of itself.
    public var registration: Registration { storage.registration }
    /// See ``Registration/service``.
    public var service: ServiceName { storage.registration.service }
    /// See ``Registration/id``.
    public var id: InstanceID { storage.registration.id }
    /// See ``Registration/key``.
    public var key: InstanceKey { storage.registration.key }
    /// See ``Registration/host``.
    public var host: String { storage.registration.host }
    /// The primary port; see ``Registration/port``.
    public var port: UInt16 { storage.registration.port }
    /// See ``Registration/tags``.
    public var tags: [String] { storage.registration.tags }
    /// See ``Registration/metadata``.
    public var metadata: [String: String] { storage.registration.metadata }
    /// 0 to 65535; see ``Registration/weight``.
    public var weight: UInt16 { storage.registration.weight }
    /// See ``Registration/locality``.
    public var locality: Locality { storage.registration.locality }
    /// See ``Registration/endpointURL``.
    public var endpointURL: String { storage.registration.endpointURL }
    /// `nil` when the instance named none; see ``Registration/healthCheckURL``.
    public var healthCheckURL: String? { storage.registration.healthCheckURL }
    /// The terms that it registered with; what has become of them is in ``leaseState``.
    public var lease: LeaseTerms { storage.registration.lease }
    /// Which life of its identity this is.
    public var incarnation: Incarnation { storage.incarnation }
    /// What an operator, or its own shutdown, wants of it.
    public var desired: DesiredState { storage.desired }
    /// The last result of each check, sorted by identifier.
    public var checks: [HealthCheck] { storage.checks }
    /// Whether it was heard of in time.
    public var leaseState: LeaseState { storage.leaseState }
    /// Derived from all of the above.
    public var status: InstanceStatus { storage.status }
    /// The revision of the last change of this instance.
    public var revision: Revision { storage.revision }
    /// When this incarnation began.
    public var registeredAt: WallTime { storage.registeredAt }
    /// When it last changed.
    public var changedAt: WallTime { storage.changedAt }

    /// The instance after a change: each part that is not given stays as it is.
    public func changed(
        registration: Registration? = nil, desired: DesiredState? = nil, checks: [HealthCheck]? = nil,
        leaseState: LeaseState? = nil, revision: Revision, at changedAt: WallTime
    ) -> ServiceInstance {
        ServiceInstance(
            registration: registration ?? self.registration, incarnation: incarnation,
            desired: desired ?? self.desired, checks: checks ?? self.checks, leaseState: leaseState ?? self.leaseState,
            revision: revision, registeredAt: registeredAt, changedAt: changedAt)
    }

    public static func == (left: ServiceInstance, right: ServiceInstance) -> Bool {
        if left.storage === right.storage { return true }
        return left.revision == right.revision && left.incarnation == right.incarnation
            && left.registration == right.registration && left.desired == right.desired
            && left.checks == right.checks && left.leaseState == right.leaseState
            && left.registeredAt == right.registeredAt && left.changedAt == right.changedAt
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(incarnation)
        hasher.combine(revision)
    }
}
