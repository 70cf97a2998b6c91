// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The same key goes to the same endpoint, from every caller, and a change of the list moves few keys. Keys follow an
/// instance's identifier: a new life of it gets the keys of the former one. Requests without a key go anywhere, by
/// weight.
public struct ConsistentHashBalancer: LoadBalancer {
    /// How keys are assigned.
    public enum Table: Sendable, Hashable {
        /// A ring with so many points for an endpoint of the usual weight, at least 1. A change moves the fewest keys
        /// possible.
        case ring(points: Int = 160)
        /// Maglev's table of at least so many slots. Shares are even; a change moves up to twice as many keys.
        case maglev(slots: Int = 65_537)
    }

    private let table: Table
    private let loadFactor: Double?

    /// - Parameter loadFactor: Bounds the load: no endpoint gets a request that would make it carry more than this
    ///   times its share of all calls under way; 1.25 is usual, and it has to be more than 1. The keys of an endpoint
    ///   that is full go to others, the same ones for the same key where possible. `nil` bounds nothing.
    public init(_ table: Table = .maglev(), loadFactor: Double? = nil) {
        precondition(loadFactor.map { $0 > 1 } ?? true, "a load factor has to be more than 1")
        self.table = table
        self.loadFactor = loadFactor
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        switch table {
        case .ring(let points): picker(list, previous) { HashRing($0, size: max(1, points)) }
        case .maglev(let slots): picker(list, previous) { MaglevTable($0, size: slots) }
        }
    }

    private func picker<Shape: HashTable>(
        _ list: EndpointList, _ previous: (any Picker)?, _ make: ([Endpoint]) -> Shape
    ) -> any Picker {
        let endpoints = list.endpoints
        guard endpoints.count > 1 else { return RandomPicker(endpoints) }
        if let previous = previous as? HashPicker<Shape>, haveSameShares(previous.endpoints, endpoints) {
            return HashPicker(endpoints, previous.table, loadFactor)
        }
        return HashPicker(endpoints, make(endpoints), loadFactor)
    }
}

/// Assigns hashes, spread over all 64 bits, to positions in the list that it was made for.
protocol HashTable: Sendable {
    func owner(of hash: UInt64) -> Int
}

final class HashPicker<Shape: HashTable>: Picker {
    private let candidates: Candidates
    let table: Shape
    private let loadFactor: Double?
    private let totalWeight: Double

    init(_ endpoints: [Endpoint], _ table: Shape, _ loadFactor: Double?) {
        candidates = Candidates(endpoints)
        self.table = table
        self.loadFactor = loadFactor
        totalWeight = endpoints.reduce(0) { $0 + Double($1.weight) }
    }

    var endpoints: [Endpoint] { candidates.endpoints }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        let key = request.hashKey ?? random.next()
        // A further attempt jumps to another place, the same one for the same key.
        let hash = StableHash.mixed(key &+ UInt64(bitPattern: Int64(request.attempt)) &* 0x9FB2_1C65_1E98_DF25)
        let home = table.owner(of: hash)
        guard let loadFactor else { return endpoints[home] }
        // Everybody may carry one: its share of something, rounded up.
        if candidates.pending(home) == 0 { return endpoints[home] }
        return bounded(home, hash, loadFactor)
    }

    private static var jumpsMax: Int { 16 }

    /// Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam, arXiv 1608.01350), with jumps instead
    /// of the next on the ring (arXiv 1908.08762), which would fill its neighbour. Adds up all calls under way.
    private func bounded(_ home: Int, _ hash: UInt64, _ loadFactor: Double) -> Endpoint {
        let total = endpoints.indices.reduce(1) { $0 + candidates.pending($1) }
        let unit = loadFactor * Double(total) / totalWeight
        func hasRoom(_ position: Int) -> Bool {
            Double(candidates.pending(position)) < (unit * candidates.weight(position)).rounded(.up)
        }
        if hasRoom(home) { return endpoints[home] }
        var jump = hash
        for _ in 0 ..< Self.jumpsMax {
            jump = StableHash.mixed(jump)
            let position = table.owner(of: jump)
            if hasRoom(position) { return endpoints[position] }
        }
        // All rooms together are more than all calls, so there is one unless calls began since they were added up.
        for offset in 1 ..< endpoints.count {
            let position = (home + offset) % endpoints.count
            if hasRoom(position) { return endpoints[position] }
        }
        return endpoints[home]
    }
}
