// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Draws positions by weight in constant time: the alias method (Walker 1977, Vose 1991), in whole numbers. The shares
/// are exact to within 2^-63.
struct AliasTable: Sendable {
    private(set) var slots: [Slot]

    struct Slot: Sendable {
        /// The part of the slot, of 2^64, that belongs to its own position.
        var threshold: UInt64
        /// Whom the rest belongs to.
        var alias: Int
    }

    /// - Parameter weights: At least one, all more than zero.
    init(weights: [UInt32]) {
        let total = weights.reduce(0) { $0 + UInt64($1) }
        // Every slot holds `total`; a position brings its weight times the number of slots.
        var parts = weights.map { UInt64($0) * UInt64(weights.count) }
        slots = weights.indices.map { Slot(threshold: .max, alias: $0) }
        var small = parts.indices.filter { parts[$0] < total }
        var large = parts.indices.filter { parts[$0] >= total }
        while let poor = small.popLast(), let rich = large.last {
            slots[poor] = Slot(threshold: total.dividingFullWidth((parts[poor], 0)).quotient, alias: rich)
            parts[rich] -= total - parts[poor]
            if parts[rich] < total {
                large.removeLast()
                small.append(rich)
            }
        }
    }

    @inline(__always)
    func draw(using random: inout PickRandom) -> Int {
        let (position, part) = random.next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: slots.count))
        let slot = slots[Int(truncatingIfNeeded: position)]
        return part < slot.threshold ? Int(truncatingIfNeeded: position) : slot.alias
    }
}

extension EndpointList {
    var hasEqualWeights: Bool {
        guard let first = endpoints.first else { return true }
        return endpoints.allSatisfy { $0.weight == first.weight }
    }
}

/// Draws endpoints by weight.
struct WeightedDraw: Sendable {
    private let count: Int
    /// `nil` when all weights are equal.
    private let table: AliasTable?

    init(_ list: EndpointList) {
        count = list.endpoints.count
        table = list.hasEqualWeights ? nil : AliasTable(weights: list.endpoints.map(\.weight))
    }

    /// A position in the list, which is not empty.
    @inline(__always)
    func draw(using random: inout PickRandom) -> Int {
        if let table { table.draw(using: &random) } else { random.below(count) }
    }

    /// Two different positions; the list has at least two.
    @inline(__always)
    func pair(using random: inout PickRandom) -> (Int, Int) {
        guard let table else { return random.pair(below: count) }
        let first = table.draw(using: &random)
        for _ in 0 ..< Self.redrawsMax {
            let second = table.draw(using: &random)
            if second != first { return (first, second) }
        }
        // One weighs more than all others together, most likely: any other will do.
        let second = random.below(count - 1)
        return (first, second >= first ? second + 1 : second)
    }

    private static let redrawsMax = 4
}
