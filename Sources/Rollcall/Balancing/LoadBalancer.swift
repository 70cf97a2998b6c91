// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Chooses the instance for the next request.
///
/// **Contract.** A pick is one of `candidates` and `nil` only when there are none. It never blocks and may be called
/// from any thread at once. A balancer follows whatever list it is given: lists change between picks.
public protocol LoadBalancer: Sendable {
    /// - Parameter candidates: The instances that may be chosen, in an order that stays while the list does.
    func pick(from candidates: [ServiceInstance]) -> ServiceInstance?
}

/// The policies that can be asked for by name.
public enum BalancingPolicy: String, Sendable, Hashable, CaseIterable {
    case roundRobin = "round-robin"
    case random
    case weightedRandom = "weighted-random"

    /// A balancer of this policy.
    public func makeBalancer() -> any LoadBalancer {
        switch self {
        case .roundRobin: RoundRobinBalancer()
        case .random: RandomBalancer()
        case .weightedRandom: WeightedRandomBalancer()
        }
    }
}

extension ServiceSnapshot {
    /// The instances that a request may go to: the healthy ones with a weight, or, when there are none, the suspect
    /// ones, which may well be alive.
    public var routable: [ServiceInstance] { instances.routable }
}

extension [ServiceInstance] {
    /// See ``ServiceSnapshot/routable``.
    public var routable: [ServiceInstance] {
        let healthy = filter { $0.status.isHealthy && $0.weight > 0 }
        return healthy.isEmpty ? filter { $0.status == .suspect && $0.weight > 0 } : healthy
    }
}
