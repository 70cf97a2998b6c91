// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The endpoints of a list and, beside them, what is compared when one is chosen. Comparing through the endpoints would
/// count references to each, and all threads would write those counts.
struct Candidates: Sendable {
    let endpoints: [Endpoint]
    private let entries: [Entry]

    private struct Entry: Sendable {
        /// Kept alive by the endpoint of the same position.
        let load: Unmanaged<EndpointLoad>
        let weight: UInt32
        let inverseWeight: Float
    }

    init(_ endpoints: [Endpoint]) {
        self.endpoints = endpoints
        entries = endpoints.map {
            Entry(load: .passUnretained($0.load), weight: $0.weight, inverseWeight: $0.inverseWeight)
        }
    }

    /// The calls under way at a position.
    @inline(__always)
    func pending(_ position: Int) -> Int { entries[position].load._withUnsafeGuaranteedRef { $0.pending } }

    @inline(__always)
    func weight(_ position: Int) -> Double { Double(entries[position].weight) }

    /// What a further call would have to expect there, for its weight: see ``EndpointLoad/expectedCost(at:)``.
    @inline(__always)
    func expectedCost(_ position: Int, at tick: UInt32) -> Float {
        let entry = entries[position]
        return entry.load._withUnsafeGuaranteedRef { $0.expectedCost(at: tick) } * entry.inverseWeight
    }

    /// Whether there are fewer calls under way at `position`, for its weight, than at `other`.
    @inline(__always)
    func isLess(_ position: Int, _ other: Int) -> Bool {
        pending(position) &* Int(entries[other].weight) < pending(other) &* Int(entries[position].weight)
    }
}
