// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Turns by weight: in a cycle each endpoint gets exactly its share, and its turns are spread over the cycle.
///
/// When the weights' reduced sum is small, the cycle is nginx's smooth weighted round robin, worked out in advance;
/// otherwise a pick steps through gRPC's static stride schedule (A58). See `SmoothSchedule` and `StrideSchedule`.
/// After a change of members or weights everybody keeps the turns that it is owed; where the cycle is long, the new one
/// begins anywhere. It never begins at its beginning: a list that changes often would not come to those with few turns.
public struct WeightedRoundRobinBalancer: LoadBalancer {
    private let start: Double?

    /// - Parameter start: Which part of the cycle to begin with, from 0 up to 1; anywhere unless given.
    public init(start: Double? = nil) {
        precondition(start.map { (0 ..< 1).contains($0) } ?? true, "a part of a cycle is from 0 up to 1")
        self.start = start
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        let previous = previous as? WeightedRoundRobinPicker
        if let previous, !list.endpoints.isEmpty, haveSameShares(previous.endpoints, list.endpoints) {
            return WeightedRoundRobinPicker(list.endpoints, like: previous)
        }
        let isFirst = previous?.endpoints.isEmpty ?? true
        return WeightedRoundRobinPicker(
            list.endpoints, owed: previous?.owed(list.endpoints), start: isFirst ? start : nil)
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

    private enum Schedule: Sendable {
        case smooth(SmoothSchedule)
        case stride(StrideSchedule)
    }

    /// - Parameters:
    ///   - owed: How many turns each is owed from before, if that is known.
    ///   - start: Which part of the cycle to begin with; anywhere unless given.
    init(_ endpoints: [Endpoint], owed: [Double]?, start: Double?) {
        self.endpoints = endpoints
        let weights = reduced(endpoints.map(\.weight))
        if let smooth = SmoothSchedule(weights, owed: owed) {
            schedule = .smooth(smooth)
            // Turns that are owed come first, so that cycle begins at its beginning.
            let part = owed == nil ? start ?? Double.random(in: 0 ..< 1) : 0
            cursor = TurnCursor(UInt64(part * Double(smooth.turns.count)))
        } else {
            let stride = StrideSchedule(weights)
            schedule = .stride(stride)
            cursor = TurnCursor(start.map { UInt64($0 * Double(stride.cycle)) } ?? stride.randomStep())
        }
    }

    init(_ endpoints: [Endpoint], like previous: WeightedRoundRobinPicker) {
        self.endpoints = endpoints
        schedule = previous.schedule
        cursor = previous.cursor
    }

    /// How many turns each of these endpoints is owed (or has had too many), as far as it is in this list. `nil` when
    /// that is not known.
    func owed(_ others: [Endpoint]) -> [Double]? {
        guard case .smooth(let smooth) = schedule, !smooth.turns.isEmpty else { return nil }
        let mine = smooth.owed(after: remainder(cursor.upcoming, smooth.turns.count))
        var position = 0
        return others.map { other in
            while position < endpoints.count && endpoints[position].id < other.id { position += 1 }
            return position < endpoints.count && endpoints[position].id == other.id ? mine[position] : 0
        }
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
    /// The turns that each was owed when the cycle began.
    private let initial: [Double]
    private let weights: [UInt32]

    /// - Parameters:
    ///   - weights: Reduced, all more than zero.
    ///   - owed: The turns that each is owed from before, if anything is. The cycle gives these sooner; it has no more
    ///     turns for that.
    /// - Returns: `nil` when the cycle is too long to be worked out at each change.
    init?(_ weights: [UInt32], owed: [Double]? = nil) {
        let total = weights.reduce(0) { $0 + Int($1) }
        let isEqual = total == weights.count
        guard isEqual || total <= Self.turnsMax && total * weights.count <= Self.stepsMax else { return nil }
        // What those who left were owed is shared out, so that newcomers, who are owed nothing, are like the others.
        let rest = (owed ?? []).reduce(0, +)
        let initial = weights.indices.map { position in
            owed.map { $0[position] - rest * Double(weights[position]) / Double(total) } ?? 0
        }
        self.weights = weights
        self.initial = initial
        if isEqual {
            // With one turn for each, whoever is owed the most is first.
            let order = Array(0 ..< UInt32(total))
            turns = owed == nil ? order : order.sorted {
                (-initial[Int($0)], $0) < (-initial[Int($1)], $1)
            }
        } else {
            turns = Self.cycle(weights, total, credits: initial.map { Int(($0 * Double(total)).rounded()) })
        }
    }

    private static func cycle(_ weights: [UInt32], _ total: Int, credits: [Int]) -> [UInt32] {
        var credits = credits
        var left = weights
        return (0 ..< total).map { _ in
            var best = -1
            for position in weights.indices {
                credits[position] += Int(weights[position])
                // Nobody has more turns in a cycle than its weight: then the next cycle can be the same.
                if left[position] > 0 && (best < 0 || credits[position] > credits[best]) { best = position }
            }
            credits[best] -= total
            left[best] -= 1
            return UInt32(best)
        }
    }

    /// The turns that each is owed after so many turns of the cycle.
    func owed(after count: Int) -> [Double] {
        var owed = initial
        let part = Double(count) / Double(turns.count)
        for position in owed.indices { owed[position] += part * Double(weights[position]) }
        for turn in turns.prefix(count) { owed[Int(turn)] -= 1 }
        return owed
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

    /// A step anywhere in the cycle at which somebody has a turn, so that each is the first as likely as its weight
    /// says. A step without a turn would lead to whoever follows a gap.
    func randomStep() -> UInt64 {
        while true {
            let step = UInt64.random(in: 0 ..< cycle)
            if position(at: step) != nil { return step }
        }
    }

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
