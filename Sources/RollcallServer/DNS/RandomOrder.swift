// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// The weights of some records, prepared for drawing.
struct DrawingWeights: Sendable {
    /// A binary indexed tree of the weights (Fenwick, "A new data structure for cumulative frequency tables", 1994);
    /// empty when all weights are the same.
    let tree: [UInt32]
    /// Of records without weight.
    let weightless: [UInt32]
    let total: UInt64
    /// The largest power of two that is not above the number of records.
    let top: Int

    init(_ weights: [UInt32]) {
        top = weights.isEmpty ? 0 : 1 << (Int.bitWidth - 1 - weights.count.leadingZeroBitCount)
        // The sums have to fit into 32 bits: large weights are scaled down, small ones stay at least 1.
        let sum = weights.reduce(UInt64(0)) { $0 + UInt64($1) }
        let scale = sum >> 31 + 1
        let scaled = weights.map { $0 == 0 ? 0 : max(1, UInt32(UInt64($0) / scale)) }
        if Set(scaled).count <= 1 {
            (tree, weightless, total) = ([], [], 0)
            return
        }
        var tree = [0] + scaled
        for index in 1 ..< tree.count {
            let parent = index + index & -index
            if parent < tree.count { tree[parent] &+= tree[index] }
        }
        self.tree = tree
        weightless = scaled.indices.lazy.filter { scaled[$0] == 0 }.map { UInt32($0) }
        total = scaled.reduce(0) { $0 + UInt64($1) }
    }

    /// The numbers that an order needs room for.
    func room(for count: Int) -> Int { tree.isEmpty ? count : tree.count }

    var sizeBytes: Int { 4 * (tree.count + weightless.count) }
}

/// Draws records without putting them back. With weights, each next one is as likely as its share of what is left;
/// those without weight come last. Only as many draws are made as are asked for.
struct RandomOrder {
    private let weights: DrawingWeights
    private let scratch: UnsafeMutableBufferPointer<UInt32>
    private let count: Int
    private var drawn = 0
    private var remaining: UInt64
    private var turn = 0

    /// - Parameter scratch: Room for `weights.room(for: count)` numbers, which stays the order's own.
    init(count: Int, weights: DrawingWeights, scratch: UnsafeMutableBufferPointer<UInt32>) {
        self.weights = weights
        self.scratch = scratch
        self.count = count
        remaining = weights.total
        if weights.tree.isEmpty {
            for index in 0 ..< count { scratch[index] = UInt32(truncatingIfNeeded: index) }
        } else {
            for index in weights.tree.indices { scratch[index] = weights.tree[index] }
        }
    }

    /// The next record's number. To be called at most `count` times.
    mutating func next(_ random: inout PickRandom) -> Int {
        defer { drawn += 1 }
        guard !weights.tree.isEmpty else {
            // Fisher and Yates, in the form of Durstenfeld.
            let other = drawn + random.below(count - drawn)
            let index = scratch[other]
            scratch[other] = scratch[drawn]
            return Int(index)
        }
        guard remaining > 0 else {
            if turn == 0 { turn = random.below(weights.weightless.count) + weights.weightless.count }
            defer { turn += 1 }
            return Int(weights.weightless[turn % weights.weightless.count])
        }
        var left = UInt64(random.below(Int(truncatingIfNeeded: remaining)))
        var position = 0
        var step = weights.top
        while step > 0 {
            let next = position + step
            if next < scratch.count, UInt64(scratch[next]) <= left {
                position = next
                left -= UInt64(scratch[next])
            }
            step >>= 1
        }
        take(position + 1)
        return position
    }

    /// Takes the weight of the record out of the sums.
    private mutating func take(_ position: Int) {
        // The weight itself is the node less the nodes below it.
        var weight = scratch[position]
        let bottom = position - position & -position
        var below = position - 1
        while below > bottom {
            weight &-= scratch[below]
            below -= below & -below
        }
        var index = position
        while index < weights.tree.count {
            scratch[index] &-= weight
            index += index & -index
        }
        remaining -= UInt64(weight)
    }
}
