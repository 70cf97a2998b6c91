// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How a client keeps the list of a service that it uses.
public enum CacheMode: Sendable, Hashable {
    /// Follows a watch: changes are there as soon as the registry tells them.
    case watch
    /// Asks again whenever the list is this old, for registries or networks that carry no watches. 30 s is usual.
    case timeToLive(Duration)
}

/// How a ``ServiceClient`` finds and calls services.
public struct ServiceClientConfiguration: Sendable {
    /// How the list of a service is kept.
    public var cache = CacheMode.watch
    /// How long the first call to a service waits for its list, when there is none from before.
    public var firstListTimeout: Duration = .seconds(5)
    /// A service that was neither looked up nor called for so long is followed no more, and what was learnt of its
    /// instances is forgotten; the next use follows it anew. `nil` follows for ever what was used once.
    ///
    /// It takes effect between one time and one and a quarter times this. Not less than ``firstListTimeout`` counts.
    /// A service stays while calls to it are under way or somebody has its ``RoutableInstances``, and while the
    /// registry is away: its list could not be had again.
    public var idleLimit: Duration? = .seconds(600)
    /// How calls are shared out.
    public var balancer: any LoadBalancer = BalancingPolicy.standard.makeBalancer()
    /// How instances are judged: panic threshold, decay of latencies, penalty of failures.
    public var upstream = UpstreamConfiguration()
    /// The retries of calls that do not bring their own.
    public var retry = RetryPolicy()
    /// How much all calls to one service may retry together.
    public var retryBudget = RetryBudget.Configuration()
    /// Sends a copy of a slow idempotent call to another instance; `nil` sends none.
    public var hedging: HedgingPolicy?
    /// Leaves out instances that fail; `nil` goes by the registry alone.
    public var outliers: OutlierConfiguration? = OutlierConfiguration()
    /// Refuses calls to a service at once while most of them fail; `nil` always tries.
    public var circuitBreaker: CircuitBreaker.Configuration?
    /// Bounds the calls to one service that are under way; `nil` does not.
    public var concurrency: ConcurrencyLimit.Algorithm?
    /// A file that keeps the last lists, so that a start finds services while the registry is away; `nil` keeps none.
    public var snapshotFile: String?
    /// Between attempts to ask the registry again.
    public var backoff = Backoff()

    /// The defaults, to be changed property by property.
    public init() {}
}

/// How one call differs from what the client is configured to do.
public struct CallOptions: Sendable {
    /// Whether the call may be acted upon twice: only then is it repeated after a failure that may have come too late.
    public var isIdempotent: Bool
    /// Until when the caller needs an answer.
    public var deadline: Deadline
    /// `nil` as the client is configured.
    public var retry: RetryPolicy?
    /// What calls that belong to one instance share, for balancers with affinity; see ``StableHash``.
    public var hashKey: UInt64?

    /// What is left out is as careful as possible: not idempotent, no deadline, the retries of the client.
    public init(
        isIdempotent: Bool = false, deadline: Deadline = .none, retry: RetryPolicy? = nil, hashKey: UInt64? = nil
    ) {
        self.isIdempotent = isIdempotent
        self.deadline = deadline
        self.retry = retry
        self.hashKey = hashKey
    }
}
