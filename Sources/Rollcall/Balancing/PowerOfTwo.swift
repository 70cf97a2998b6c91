// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Two different endpoints are drawn, and the one with less load is taken: nearly as even as asking all of them, and
/// without the herding (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001). The most loaded
/// one is never taken, as it loses to whatever is drawn with it.
public struct PowerOfTwoBalancer: LoadBalancer {
    /// What the load of an endpoint is.
    public enum Measure: Sendable, Hashable {
        /// Calls under way / weight. Endpoints are drawn by weight.
        case pending
        /// Peak-EWMA latency x (calls under way + 1) / weight.
        case latency
    }

    private let measure: Measure

    public init(by measure: Measure = .latency) {
        self.measure = measure
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        switch measure {
        case .pending: PendingPairPicker(list)
        case .latency: LatencyPairPicker(list.endpoints)
        }
    }
}

final class LatencyPairPicker: Picker {
    let endpoints: [Endpoint]

    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
    }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard endpoints.count > 1 else { return endpoints.first }
        let (first, second) = random.pair(below: endpoints.count)
        let tick = LatencyTerms.tick(request.now)
        let isSecondBetter = cost(second, tick) < cost(first, tick)
        return endpoints[isSecondBetter ? second : first]
    }

    @inline(__always)
    private func cost(_ position: Int, _ tick: UInt32) -> Float {
        let endpoint = endpoints[position]
        return endpoint.load.expectedCost(at: tick) * endpoint.inverseWeight
    }
}

final class PendingPairPicker: Picker {
    let endpoints: [Endpoint]
    private let weighted: WeightedDraw

    init(_ list: EndpointList) {
        endpoints = list.endpoints
        weighted = WeightedDraw(list)
    }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard endpoints.count > 1 else { return endpoints.first }
        let (first, second) = weighted.pair(using: &random)
        let isSecondBetter = isLess(endpoints, second, first)
        return endpoints[isSecondBetter ? second : first]
    }
}

/// Whether the endpoint at `position` has fewer calls under way for its weight than the one at `other`.
@inline(__always)
func isLess(_ endpoints: [Endpoint], _ position: Int, _ other: Int) -> Bool {
    let one = endpoints[position]
    let two = endpoints[other]
    return one.load.pending &* Int(two.weight) < two.load.pending &* Int(one.weight)
}
