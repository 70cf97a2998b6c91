// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// One change of one instance.
public struct InstanceChange: Sendable, Hashable {
    /// Why the instance changed. What it changed to is in ``InstanceChange/instance``.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A new life began.
        case registered
        /// The registration of a present life was replaced.
        case updated
        /// Removed because somebody, mostly the instance itself, asked for it.
        case deregistered
        /// Removed because its lease ran out long ago.
        case evicted
        /// Its lease ran out.
        case lapsed
        /// Its lease ran out together with so many others that the cause is in doubt.
        case suspected
        /// It was suspect, and is `down` now: the cause is understood.
        case released
        /// A heartbeat brought it back.
        case revived
        /// Its desired state or its readiness changed.
        case stateChanged
        /// The result of a health check changed.
        case checkChanged
    }

    /// Its own: no two changes of an engine share one.
    public let revision: Revision
    /// The one reason that is told: a registration that changed an instance and brought it back is `updated`.
    public let kind: Kind
    /// The instance after the change; when it was removed, as it was last.
    public let instance: ServiceInstance
    /// When the change came to be, on the time line of the catalog's owner.
    public let bornAt: Instant

    /// - Parameter instance: As it is after the change, with the same `revision`; as it was last, for a removal.
    public init(revision: Revision, kind: Kind, instance: ServiceInstance, bornAt: Instant) {
        self.revision = revision
        self.kind = kind
        self.instance = instance
        self.bornAt = bornAt
    }

    /// Whose change it is.
    public var key: InstanceKey { instance.key }

    /// Whether the instance is gone.
    public var isRemoval: Bool { kind == .deregistered || kind == .evicted }
}
