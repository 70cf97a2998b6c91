// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The policies that can be asked for by name, with their standard settings.
public enum BalancingPolicy: String, Sendable, Hashable, CaseIterable {
    case roundRobin = "round-robin"
    case random
    case weightedRandom = "weighted-random"
    /// The one with fewer calls under way of two.
    case powerOfTwo = "p2c"
    /// The one of two that is likely to answer sooner: see ``standard``.
    case peakEWMA = "p2c-ewma"

    /// Power of two choices on peak-EWMA latency x (calls under way + 1) / weight, where a failure counts as 5 s.
    public static let standard = BalancingPolicy.peakEWMA

    /// A balancer of this policy.
    public func makeBalancer() -> any LoadBalancer {
        switch self {
        case .roundRobin: RoundRobinBalancer()
        case .random: RandomBalancer()
        case .weightedRandom: WeightedRandomBalancer()
        case .powerOfTwo: PowerOfTwoBalancer(by: .pending)
        case .peakEWMA: PowerOfTwoBalancer(by: .latency)
        }
    }
}
