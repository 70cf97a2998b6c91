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
        let previous = previous as? RoundRobinPicker
        if let previous, haveSameMembers(previous.endpoints, list.endpoints) {
            return RoundRobinPicker(list.endpoints, previous.cursor)
        }
        if let next = previous?.upcoming {
            position = list.position(of: next.id)
            if position == count { position = 0 }
        } else if count > 0 {
            position = start.map { ($0 % count + count) % count } ?? Int.random(in: 0 ..< count)
        }
        return RoundRobinPicker(list.endpoints, TurnCursor(UInt64(position)))
    }
}

/// Whether the same identifiers are there in the same order.
private func haveSameMembers(_ left: [Endpoint], _ right: [Endpoint]) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { $0.hash == $1.hash }
}

final class RoundRobinPicker: Picker {
    let endpoints: [Endpoint]
    let cursor: TurnCursor

    init(_ endpoints: [Endpoint], _ cursor: TurnCursor) {
        self.endpoints = endpoints
        self.cursor = cursor
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
