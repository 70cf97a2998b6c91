// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Any one, each as likely as the others.
public struct RandomBalancer: LoadBalancer {
    /// It has no settings.
    public init() {}

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        RandomPicker(list.endpoints)
    }
}

/// Any one, as likely as its share of all weights.
public struct WeightedRandomBalancer: LoadBalancer {
    /// The weights are those of the instances.
    public init() {}

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        list.hasEqualWeights ? RandomPicker(list.endpoints) : WeightedRandomPicker(list)
    }
}

final class RandomPicker: Picker {
    let endpoints: [Endpoint]

    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
    }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard !endpoints.isEmpty else { return nil }
        return endpoints[random.below(endpoints.count)]
    }
}

final class WeightedRandomPicker: Picker {
    let endpoints: [Endpoint]
    private let table: AliasTable

    /// - Parameter list: Not empty.
    init(_ list: EndpointList) {
        endpoints = list.endpoints
        table = AliasTable(weights: list.endpoints.map(\.weight))
    }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        endpoints[table.draw(using: &random)]
    }
}
