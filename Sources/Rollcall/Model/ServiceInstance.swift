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

    public var registration: Registration { storage.registration }
    public var service: ServiceName { storage.registration.service }
    public var id: InstanceID { storage.registration.id }
    public var key: InstanceKey { storage.registration.key }
    public var host: String { storage.registration.host }
    public var port: UInt16 { storage.registration.port }
    public var tags: [String] { storage.registration.tags }
    public var metadata: [String: String] { storage.registration.metadata }
    public var weight: UInt16 { storage.registration.weight }
    public var locality: Locality { storage.registration.locality }
    public var endpointURL: String { storage.registration.endpointURL }
    public var healthCheckURL: String? { storage.registration.healthCheckURL }
    public var lease: LeaseTerms { storage.registration.lease }
    public var incarnation: Incarnation { storage.incarnation }
    public var desired: DesiredState { storage.desired }
    public var checks: [HealthCheck] { storage.checks }
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
