// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Lets a caller use a part of a large service only, so that not every caller keeps connections to every instance.
/// Another balancer picks from that part.
public struct SubsetBalancer: LoadBalancer {
    /// Which part.
    public enum Plan: Sendable, Hashable {
        /// As many as `size`, chosen by rendezvous hashing of the caller's name (random subsetting, gRFC A68): a change
        /// of one instance changes each part by one at most. How many callers an instance gets is left to chance.
        case random(caller: String, size: Int = 20)
        /// The callers are numbered from 0 to `callers` - 1; caller and instances are laid around a circle, and a
        /// caller uses what its arc covers: `minimum` instances at least. Instances at the ends of the arc get a part
        /// of a share, so that all callers together load all instances evenly (Finagle's deterministic aperture).
        case aperture(position: Int, callers: Int, minimum: Int = 12)
    }

    private let base: any LoadBalancer
    private let plan: Plan

    /// - Note: A part of fewer than some 5 instances blurs the shares of balancers that compare two.
    public init(_ base: any LoadBalancer, _ plan: Plan) {
        self.base = base
        self.plan = plan
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        let shares: [Share]
        switch plan {
        case .random(let caller, let size):
            shares = Self.randomPart(list.endpoints, caller: StableHash.of(caller), size: max(1, size))
        case .aperture(let position, let callers, let minimum):
            shares = Self.aperture(list.endpoints, position, callers, minimum)
        }
        // Lists are sorted by identifier, as the balancers inside expect.
        let sorted = shares.sorted { $0.endpoint.id < $1.endpoint.id }.map(\.endpoint)
        let picker = base.picker(for: list.restricted(to: sorted), previous: (previous as? SubsetPicker)?.base)
        return SubsetPicker(picker, partial: shares.filter { $0.share < 1 })
    }

    struct Share: Sendable {
        var endpoint: Endpoint
        /// From 0 to 1.
        var share: Double
    }

    private static func randomPart(_ endpoints: [Endpoint], caller: UInt64, size: Int) -> [Share] {
        guard endpoints.count > size else { return endpoints.map { Share(endpoint: $0, share: 1) } }
        return endpoints.map { (rank: StableHash.mixed($0.hash ^ caller), endpoint: $0) }
            .sorted { $0.rank < $1.rank }
            .prefix(size).map { Share(endpoint: $0.endpoint, share: 1) }
    }

    private static func aperture(
        _ endpoints: [Endpoint], _ position: Int, _ callers: Int, _ minimum: Int
    ) -> [Share] {
        // The order of their hashes: neighbours on the circle have nothing else in common.
        let circle = endpoints.sorted { $0.hash < $1.hash }
        let arc = Aperture(position: position, callers: callers, count: circle.count, minimum: minimum)
        return arc.shares.map { Share(endpoint: circle[$0.position], share: $0.share) }
    }
}

/// The arc of a caller on a circle that all instances divide evenly.
struct Aperture {
    /// The instances that the arc covers, and which part of each it covers.
    let shares: [(position: Int, share: Double)]
    /// The length of the arc, of a circle of 1.
    let width: Double

    init(position: Int, callers: Int, count: Int, minimum: Int) {
        let callers = max(1, callers)
        let position = ((position % callers) + callers) % callers
        // Whole arcs of callers, so that every point of the circle is covered by equally many. In whole numbers: the
        // circle is callers x count long, an instance `callers`, and a caller's own arc `count`.
        let arcs = min(callers, (max(1, minimum) * callers + max(1, count) - 1) / max(1, count))
        width = Double(arcs) / Double(callers)
        guard arcs < callers, count > 0 else {
            shares = (0 ..< count).map { ($0, 1) }
            return
        }
        let start = position * count
        let end = start + arcs * count
        var shares = (start / callers ... (end - 1) / callers).map { number in
            let covered = min(end, (number + 1) * callers) - max(start, number * callers)
            return (position: number % count, share: Double(covered) / Double(callers))
        }
        // A long arc may begin and end in the same instance.
        if shares.count > count, let last = shares.popLast() { shares[0].share += last.share }
        self.shares = shares
    }
}

final class SubsetPicker: Picker {
    let base: any Picker
    /// Those at the ends of an arc: two at most.
    private let partial: [SubsetBalancer.Share]

    init(_ base: any Picker, partial: [SubsetBalancer.Share]) {
        self.base = base
        self.partial = partial
    }

    var endpoints: [Endpoint] { base.endpoints }

    private static let repeatsMax = 8

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        var request = request
        var endpoint = base.pick(request, using: &random)
        guard !partial.isEmpty else { return endpoint }
        for _ in 0 ..< Self.repeatsMax {
            guard let picked = endpoint, let end = partial.first(where: { $0.endpoint === picked }),
                random.fraction() >= end.share
            else { return endpoint }
            request.attempt += 1
            endpoint = base.pick(request, using: &random)
        }
        return endpoint
    }
}
