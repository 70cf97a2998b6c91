// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Two different endpoints are drawn, and the one with less load is taken: nearly as even as asking all of them, and
/// without the herding (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001). The most loaded
/// one is never taken, as it loses to whatever is drawn with it. Endpoints are drawn by weight: evenly drawn, light
/// ones would meet each other too often.
public struct PowerOfTwoBalancer: LoadBalancer {
    /// What the load of an endpoint is.
    public enum Measure: Sendable, Hashable {
        /// Calls under way / weight.
        case pending
        /// Peak-EWMA latency x (calls under way + 1) / weight.
        case latency
    }

    private let measure: Measure

    /// Compares endpoints by `measure`.
    public init(by measure: Measure = .latency) {
        self.measure = measure
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        switch measure {
        case .pending: PendingPairPicker(list)
        case .latency: LatencyPairPicker(list)
        }
    }
}

final class LatencyPairPicker: Picker {
    private let candidates: Candidates
    private let weighted: WeightedDraw

    init(_ list: EndpointList) {
        candidates = Candidates(list.endpoints)
        weighted = WeightedDraw(list)
    }

    var endpoints: [Endpoint] { candidates.endpoints }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard endpoints.count > 1 else { return endpoints.first }
        let (first, second) = weighted.pair(using: &random)
        let tick = LatencyTerms.tick(request.now)
        let isSecondBetter = candidates.expectedCost(second, at: tick) < candidates.expectedCost(first, at: tick)
        return endpoints[isSecondBetter ? second : first]
    }
}

final class PendingPairPicker: Picker {
    private let candidates: Candidates
    private let weighted: WeightedDraw

    init(_ list: EndpointList) {
        candidates = Candidates(list.endpoints)
        weighted = WeightedDraw(list)
    }

    var endpoints: [Endpoint] { candidates.endpoints }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard endpoints.count > 1 else { return endpoints.first }
        let (first, second) = weighted.pair(using: &random)
        return endpoints[candidates.isLess(second, first) ? second : first]
    }
}
