// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The endpoint with the fewest calls under way for its weight. Up to ``scanMax`` endpoints all are compared; of more,
/// as many as `choices` are drawn and the best of them is taken: comparing a thousand costs more than it gains, and
/// many callers that see the same minimum would all run to it.
///
/// Endpoints are drawn by weight, and the first one drawn wins a tie, so that idle endpoints are used by weight too.
public struct LeastRequestsBalancer: LoadBalancer {
    private let choices: Int

    /// Up to so many endpoints are all compared.
    public static let scanMax = 12

    /// - Parameter choices: How many are drawn from a larger list, at least 2.
    public init(choices: Int = 4) {
        self.choices = max(2, choices)
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        LeastRequestsPicker(list, choices: list.endpoints.count <= Self.scanMax ? nil : choices)
    }
}

final class LeastRequestsPicker: Picker {
    private let candidates: Candidates
    private let weighted: WeightedDraw
    /// `nil` compares all.
    private let choices: Int?

    init(_ list: EndpointList, choices: Int?) {
        candidates = Candidates(list.endpoints)
        weighted = WeightedDraw(list)
        self.choices = choices
    }

    var endpoints: [Endpoint] { candidates.endpoints }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard endpoints.count > 1 else { return endpoints.first }
        var best = weighted.draw(using: &random)
        guard candidates.pending(best) > 0 else { return endpoints[best] }
        if let choices {
            for _ in 1 ..< choices {
                let other = weighted.draw(using: &random)
                if candidates.isLess(other, best) { best = other }
            }
        } else {
            var other = best
            for _ in 1 ..< endpoints.count {
                other = other + 1 == endpoints.count ? 0 : other + 1
                if candidates.isLess(other, best) { best = other }
            }
        }
        return endpoints[best]
    }
}
