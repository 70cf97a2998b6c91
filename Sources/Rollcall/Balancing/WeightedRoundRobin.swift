// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Turns by weight: in a cycle each endpoint gets exactly its share, and its turns are spread over the cycle.
///
/// When the weights' reduced sum is small, the cycle is nginx's smooth weighted round robin, worked out in advance;
/// otherwise a pick steps through gRPC's static stride schedule (A58). See ``SmoothSchedule`` and ``StrideSchedule``.
/// After a change of members or weights the cycle goes on at the same part of the new one, and does not begin anew: a
/// list that changes often would never come to those with few turns.
public struct WeightedRoundRobinBalancer: LoadBalancer {
    private let start: Double?

    /// - Parameter start: Which part of the cycle to begin with, from 0 up to 1; anywhere unless given.
    public init(start: Double? = nil) {
        self.start = start
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        let previous = previous as? WeightedRoundRobinPicker
        if let previous, !list.endpoints.isEmpty, haveSameShares(previous.endpoints, list.endpoints) {
            return WeightedRoundRobinPicker(list.endpoints, like: previous)
        }
        let phase = previous?.phase ?? start ?? Double.random(in: 0 ..< 1)
        return WeightedRoundRobinPicker(list.endpoints, phase: phase)
    }
}

/// Whether the same identifiers are there in the same order with the same weights.
func haveSameShares(_ left: [Endpoint], _ right: [Endpoint]) -> Bool {
    left.count == right.count && zip(left, right).allSatisfy { $0.hash == $1.hash && $0.weight == $1.weight }
}

final class WeightedRoundRobinPicker: Picker {
    let endpoints: [Endpoint]
    private let schedule: Schedule
    private let cursor: TurnCursor
    /// The part of a turn that got lost when the phase was turned into a turn.
    private let residue: Double

    private enum Schedule: Sendable {
        case smooth(SmoothSchedule)
        case stride(StrideSchedule)
    }

    init(_ endpoints: [Endpoint], phase: Double) {
        self.endpoints = endpoints
        let weights = reduced(endpoints.map(\.weight))
        if let smooth = SmoothSchedule(weights) {
            schedule = .smooth(smooth)
        } else {
            schedule = .stride(StrideSchedule(weights))
        }
        let turn = phase * Double(Self.cycle(of: schedule))
        cursor = TurnCursor(UInt64(turn))
        residue = turn - turn.rounded(.down)
    }

    init(_ endpoints: [Endpoint], like previous: WeightedRoundRobinPicker) {
        self.endpoints = endpoints
        schedule = previous.schedule
        cursor = previous.cursor
        residue = previous.residue
    }

    private static func cycle(of schedule: Schedule) -> UInt64 {
        switch schedule {
        case .smooth(let smooth): UInt64(smooth.turns.count)
        case .stride(let stride): stride.cycle
        }
    }

    /// Which part of the cycle is over, from 0 up to 1.
    var phase: Double? {
        let cycle = Self.cycle(of: schedule)
        guard cycle > 0 else { return nil }
        return (Double(cursor.upcoming % cycle) + residue) / Double(cycle)
    }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard !endpoints.isEmpty else { return nil }
        switch schedule {
        case .smooth(let smooth):
            return endpoints[Int(smooth.turns[remainder(cursor.take(), smooth.turns.count)])]
        case .stride(let stride):
            while true {
                if let position = stride.position(at: cursor.take()) { return endpoints[position] }
            }
        }
    }
}

/// The weights divided by their greatest common divisor.
func reduced(_ weights: [UInt32]) -> [UInt32] {
    var divisor: UInt32 = 0
    for weight in weights {
        var (left, right) = (divisor, weight)
        while right != 0 { (left, right) = (right, left % right) }
        divisor = left
    }
    return divisor > 1 ? weights.map { $0 / divisor } : weights
}

/// A whole cycle of nginx's smooth weighted round robin: at each turn everybody's credit grows by the weight; the one
/// with the most credit has the turn and pays the sum of the weights.
struct SmoothSchedule: Sendable {
    /// The position whose turn it is.
    let turns: [UInt32]

    /// - Parameter weights: Reduced, all more than zero.
    /// - Returns: `nil` when the cycle is too long to be worked out at each change.
    init?(_ weights: [UInt32]) {
        let total = weights.reduce(0) { $0 + Int($1) }
        if total == weights.count {
            turns = Array(0 ..< UInt32(total))
            return
        }
        guard total <= Self.turnsMax, total * weights.count <= Self.stepsMax else { return nil }
        var credits = Array(repeating: 0, count: weights.count)
        var turns: [UInt32] = []
        turns.reserveCapacity(total)
        for _ in 0 ..< total {
            var best = 0
            for position in weights.indices {
                credits[position] += Int(weights[position])
                if credits[position] > credits[best] { best = position }
            }
            credits[best] -= total
            turns.append(UInt32(best))
        }
        self.turns = turns
    }

    static let turnsMax = 4096
    /// About half a millisecond.
    static let stepsMax = 1 << 19
}

/// gRPC's static stride scheduler (gRFC A58) with the largest weight instead of 65535 as its scale, which makes the
/// shares exact. Everybody is asked in turn; in round g the endpoint i of weight w has a turn when
/// (w x g + i x scale / 2) mod scale >= scale - w. It needs no memory but the number of the step.
struct StrideSchedule: Sendable {
    private let weights: [UInt32]
    private let scale: UInt64

    /// - Parameter weights: All more than zero.
    init(_ weights: [UInt32]) {
        self.weights = weights
        scale = UInt64(weights.max() ?? 1)
    }

    /// After so many steps everybody had exactly as many turns as the weight says.
    var cycle: UInt64 { UInt64(weights.count) * scale }

    /// Whose turn it is at this step, if anybody's. One of as many steps as there are weights has a turn at least; on
    /// average it takes largest / mean weight steps.
    @inline(__always)
    func position(at step: UInt64) -> Int? {
        let count = UInt64(truncatingIfNeeded: weights.count)
        let (round, position) = step.quotientAndRemainder(dividingBy: count)
        let weight = UInt64(weights[Int(truncatingIfNeeded: position)])
        let place = (weight &* round &+ position &* (scale / 2)) % scale
        return place >= scale &- weight ? Int(truncatingIfNeeded: position) : nil
    }
}
