// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What the owner of the leases has to do next. Order matters; apply front to back.
public enum LeaseEffect<Key: Hashable & Sendable>: Hashable, Sendable {
    /// The lease ran out: publish the instance as down.
    case lapse(Key)
    /// The lease ran out, now or a while ago, while too many others did: publish the instance as suspect.
    case suspect(Key)
    /// The silence of a suspect is believed: publish the instance as down. It is evicted a full ttl later at the
    /// earliest.
    case release(Key)
    /// Remove the instance durably, then call `remove`; if that fails, call `retryEviction`.
    case evict(Key)
    /// The lease is current again without a renewal, because all leases were restarted: publish the instance as up.
    case restore(Key)
}

/// The place of a lease in its keeper, for a renewal without the look-up by key. It is valid until the lease is removed
/// or its key inserted anew, and names no other lease after that.
public struct LeaseHandle: Hashable, Sendable {
    let slot: Int32
    let generation: UInt32
}

/// What became of a renewal.
public enum LeaseRenewal: Hashable, Sendable {
    /// The lease was current and has a full ttl again.
    case renewed
    /// The lease had lapsed or was suspect, and is current with a full ttl: the owner publishes the instance as up.
    case wasLapsed
    /// The eviction is being made durable: nothing changed, and the caller is answered as for an unknown instance.
    case evicting
    /// The lease is that of another incarnation, which is given: nothing changed.
    case fenced(current: UInt64)
    /// There is no such lease: the instance has to register.
    case unknown
}

/// A set of leases that the brake judges together.
public enum LeaseScope<Group: Hashable & Sendable>: Hashable, Sendable {
    /// All of them.
    case fleet
    /// Those of one service.
    case service(Group)
}

/// The brake as an operator and a metric see it.
public struct BrakeStatus<Group: Hashable & Sendable>: Hashable, Sendable {
    /// The brake of one scope.
    public struct Scope: Hashable, Sendable {
        /// When the brake engaged, or `nil` when it does not hold this scope.
        public let engagedSince: Instant?
        /// Instances that are suspect, held by this scope or by the other kind, or about to be released.
        public let suspects: Int
        /// Whether suspects are being released.
        public let isReleasing: Bool
        /// Leases that lapsed within the window and did not come back.
        public let losses: Int
        /// Leases that lapsed at any time and did not come back.
        public let lapsed: Int
        /// All leases.
        public let population: Int
        /// The brake engages when there are at least so many losses.
        public let threshold: Int
    }

    /// The brake of the whole fleet.
    public let fleet: Scope
    /// The services that are held or being released.
    public let services: [Group: Scope]
}

/// One lease as it stands.
public struct LeaseView: Hashable, Sendable {
    /// Where it is in its life.
    public let state: LeasePhase
    /// The last renewal, or the registration.
    public let renewedAt: Instant
    /// When it lapses, or lapsed, without a further renewal.
    public let lapsesAt: Instant
    /// When its instance is due for eviction; the brake may hold it beyond.
    public let evictionDueAt: Instant
    /// Which life of the instance it belongs to.
    public let incarnation: UInt64
}
