// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// One after the other, in the order of the list.
public final class RoundRobinBalancer: LoadBalancer {
    private let next: Atomic<Int>

    /// - Parameter start: Where to begin; random unless given, so that many clients that start together do not all
    ///   begin with the same instance.
    public init(start: Int? = nil) {
        next = Atomic(start ?? Int.random(in: 0 ..< 1 << 20))
    }

    public func pick(from candidates: [ServiceInstance]) -> ServiceInstance? {
        guard !candidates.isEmpty else { return nil }
        let turn = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return candidates[Int(UInt(bitPattern: turn) % UInt(candidates.count))]
    }
}

/// Any one, each as likely as the others.
public struct RandomBalancer: LoadBalancer {
    public init() {}

    public func pick(from candidates: [ServiceInstance]) -> ServiceInstance? { candidates.randomElement() }
}

/// Any one, as likely as its share of all weights.
public struct WeightedRandomBalancer: LoadBalancer {
    public init() {}

    public func pick(from candidates: [ServiceInstance]) -> ServiceInstance? {
        let total = candidates.reduce(0) { $0 + Int($1.weight) }
        guard total > 0 else { return candidates.randomElement() }
        var rest = Int.random(in: 0 ..< total)
        for candidate in candidates {
            rest -= Int(candidate.weight)
            if rest < 0 { return candidate }
        }
        return candidates.last
    }
}
