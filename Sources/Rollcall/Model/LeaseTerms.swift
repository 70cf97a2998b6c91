// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// On which terms an instance stays in the registry.
public struct LeaseTerms: Sendable, Hashable {
    /// What keeps an instance registered.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The instance sends heartbeats.
        case heartbeat
        /// The instance lives as long as its connection to the engine: only on engines that have sessions.
        case connection
        /// The instance stays until somebody removes it.
        case none
    }

    /// ``ttl`` and ``evictAfter`` matter for `heartbeat` only.
    public var kind: Kind
    /// An instance that sent no heartbeat for this long is `down`.
    public var ttl: Duration
    /// An instance that sent no heartbeat for this long is removed. Not less than `ttl`.
    public var evictAfter: Duration

    /// - Parameter evictAfter: Three times `ttl` when left out, as Eureka's 90 s for heartbeats each 30 s.
    public init(kind: Kind = .heartbeat, ttl: Duration = Self.defaultTTL, evictAfter: Duration? = nil) {
        self.kind = kind
        self.ttl = ttl
        self.evictAfter = evictAfter ?? ttl * 3
    }

    /// 30 s, the interval that Eureka's clients renew at and most others' time-outs are built around.
    public static let defaultTTL: Duration = .seconds(30)
    /// Heartbeats, `down` after 30 s, evicted after 90 s.
    public static let standard = LeaseTerms()
    /// No lease: the instance stays until it is deregistered.
    public static let permanent = LeaseTerms(kind: .none)
}

/// What is known of an instance's lease.
public enum LeaseState: String, Sendable, Hashable, CaseIterable {
    /// Renewed in time, or without a lease.
    case current
    /// Not renewed in time.
    case lapsed
    /// Not renewed in time, together with so many others that the cause is in doubt; eviction is held back.
    case suspect
}
