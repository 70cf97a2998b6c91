// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import Synchronization

/// The balancers of the resolve route, one for each question that is asked, so that round robin goes on from one
/// request to the next.
///
/// Bounded, because a question is a client's choice: when there are too many all begin anew, and a question with a long
/// filter is not kept at all (round robin then begins anywhere, which still spreads the load).
final class BalancerTable: Sendable {
    private struct Question: Hashable {
        var service: ServiceName
        var filter: InstanceFilter
    }

    private let roundRobins = Mutex<[Question: RoundRobinBalancer]>([:])
    static let questionsMax = 10_000
    static let filterBytesMax = 256

    /// - Parameter service: A service that has instances: others need no balancer.
    func balancer(_ service: ServiceName, _ policy: BalancingPolicy, _ filter: InstanceFilter) -> any LoadBalancer {
        guard policy == .roundRobin, filter.byteCount <= Self.filterBytesMax else { return policy.makeBalancer() }
        let question = Question(service: service, filter: filter)
        return roundRobins.withLock { roundRobins in
            if let known = roundRobins[question] { return known }
            if roundRobins.count >= Self.questionsMax { roundRobins.removeAll() }
            let balancer = RoundRobinBalancer()
            roundRobins[question] = balancer
            return balancer
        }
    }
}
