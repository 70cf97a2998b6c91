// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The policies that can be asked for by name, with their standard settings.
public enum BalancingPolicy: String, Sendable, Hashable, CaseIterable {
    /// One after the other.
    case roundRobin = "round-robin"
    /// Any one, each as likely as the others.
    case random
    /// Any one, as likely as its share of all weights.
    case weightedRandom = "weighted-random"
    /// Turns by weight, spread evenly.
    case weightedRoundRobin = "weighted-round-robin"
    /// The one with the fewest calls under way.
    case leastRequests = "least-requests"
    /// The one with fewer calls under way of two.
    case powerOfTwo = "p2c"
    /// The one of two that is likely to answer sooner: see ``standard``.
    case peakEWMA = "p2c-ewma"
    /// The same key to the same instance, by a ring.
    case ringHash = "ring-hash"
    /// The same key to the same instance, by Maglev's table.
    case maglev
    /// As ``maglev``, but nobody gets more than 1.25 times its share of the calls under way.
    case boundedLoad = "bounded-load"

    /// Power of two choices on peak-EWMA latency x (calls under way + 1) / weight, where a failure counts as 5 s.
    public static let standard = BalancingPolicy.peakEWMA

    /// A balancer of this policy.
    public func makeBalancer() -> any LoadBalancer {
        switch self {
        case .roundRobin: RoundRobinBalancer()
        case .random: RandomBalancer()
        case .weightedRandom: WeightedRandomBalancer()
        case .weightedRoundRobin: WeightedRoundRobinBalancer()
        case .leastRequests: LeastRequestsBalancer()
        case .powerOfTwo: PowerOfTwoBalancer(by: .pending)
        case .peakEWMA: PowerOfTwoBalancer(by: .latency)
        case .ringHash: ConsistentHashBalancer(.ring())
        case .maglev: ConsistentHashBalancer(.maglev())
        case .boundedLoad: ConsistentHashBalancer(.maglev(), loadFactor: 1.25)
        }
    }

    /// Whether requests with the same ``PickRequest/hashKey`` go to the same instance.
    public var usesKey: Bool {
        switch self {
        case .ringHash, .maglev, .boundedLoad: true
        case .roundRobin, .random, .weightedRandom, .weightedRoundRobin, .leastRequests, .powerOfTwo, .peakEWMA: false
        }
    }
}
