// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Maglev's look-up table (Eisenbud et al., NSDI 2016): endpoints take turns in claiming the next slot of their own
/// permutation that is still free. Shares are even to about 1 % while there are 100 slots for each endpoint; a change
/// of one endpoint moves its own keys and a few others.
///
/// Weights as in Envoy: an endpoint skips rounds in proportion to the largest weight.
struct MaglevTable: HashTable {
    private let owners: [UInt32]
    private let size: UInt64

    /// A prime, as Envoy's default. A bigger one makes the shares of more than 650 endpoints even.
    static let standardSize = 65_537

    /// - Parameters:
    ///   - endpoints: At least one.
    ///   - size: The table has the least prime number of slots that is not below this, nor below twice the endpoints.
    init(_ endpoints: [Endpoint], size: Int) {
        let size = Self.prime(notBelow: max(size, endpoints.count * 2, 3))
        let preferences = endpoints.map { endpoint in
            Preference(
                offset: Int(StableHash.mixed(endpoint.hash) % UInt64(size)),
                skip: Int(StableHash.mixed(endpoint.hash ^ 0x5851_F42D_4C95_7F2D) % UInt64(size - 1)) + 1)
        }
        owners = Self.fill(size, preferences, weights: endpoints.map(\.weight))
        self.size = UInt64(size)
    }

    @inline(__always)
    func owner(of hash: UInt64) -> Int {
        // The high bits of a product instead of a remainder: as even, and no division.
        Int(owners[Int(truncatingIfNeeded: hash.multipliedFullWidth(by: size).high)])
    }

    /// The order in which an endpoint wants the slots: `offset`, then on by `skip`, around the table.
    struct Preference {
        var offset: Int
        var skip: Int
    }

    /// Whom each slot belongs to.
    static func fill(_ size: Int, _ preferences: [Preference], weights: [UInt32]) -> [UInt32] {
        let free = UInt32.max
        var owners = Array(repeating: free, count: size)
        var next = preferences.map(\.offset)
        let largest = UInt64(weights.max() ?? 1)
        var targets = Array(repeating: UInt64(0), count: preferences.count)
        var filled = 0
        var round: UInt64 = 1
        while true {
            for owner in preferences.indices {
                if round * UInt64(weights[owner]) < targets[owner] { continue }
                targets[owner] += largest
                var slot = next[owner]
                let skip = preferences[owner].skip
                while owners[slot] != free {
                    slot += skip
                    if slot >= size { slot -= size }
                }
                owners[slot] = UInt32(owner)
                next[owner] = slot
                filled += 1
                if filled == size { return owners }
            }
            round += 1
        }
    }

    static func prime(notBelow number: Int) -> Int {
        var candidate = max(number, 2)
        while !isPrime(candidate) { candidate += 1 }
        return candidate
    }

    private static func isPrime(_ number: Int) -> Bool {
        var divisor = 2
        while divisor * divisor <= number {
            if number % divisor == 0 { return false }
            divisor += 1
        }
        return true
    }
}
