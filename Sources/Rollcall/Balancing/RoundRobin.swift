// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// One after the other, in the order of identifiers, without regard to weights. After a change of the list the turn
/// goes on with the one that would have been next, or with its successor.
public struct RoundRobinBalancer: LoadBalancer {
    private let start: Int?

    /// - Parameter start: The position to begin with; anywhere unless given, so that many clients that start together
    ///   do not all begin with the same instance.
    public init(start: Int? = nil) {
        self.start = start
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        let count = list.endpoints.count
        var position = 0
        if let previous = previous as? RoundRobinPicker, let next = previous.upcoming {
            position = list.position(of: next.id)
            if position == count { position = 0 }
        } else if count > 0 {
            position = start.map { ($0 % count + count) % count } ?? Int.random(in: 0 ..< count)
        }
        return RoundRobinPicker(list.endpoints, position)
    }
}

final class RoundRobinPicker: Picker {
    let endpoints: [Endpoint]
    private let cursor: TurnCursor

    init(_ endpoints: [Endpoint], _ position: Int) {
        self.endpoints = endpoints
        cursor = TurnCursor(UInt64(position))
    }

    /// The one whose turn is next.
    var upcoming: Endpoint? {
        endpoints.isEmpty ? nil : endpoints[remainder(cursor.upcoming, endpoints.count)]
    }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard !endpoints.isEmpty else { return nil }
        return endpoints[remainder(cursor.take(), endpoints.count)]
    }
}
