// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Keeps requests in the caller's zone as far as that loads all instances evenly, and sends the rest to the zones that
/// have more instances than their callers need. Another balancer picks inside each zone.
///
/// The whole list is used, without regard to zones, when it is smaller than `minimumSize`, in one zone only, without an
/// instance in the caller's zone, or a list of the panic mode. Source: Envoy's zone-aware routing.
public struct ZoneAwareBalancer: LoadBalancer {
    private let base: any LoadBalancer
    private let own: Locality
    private let callers: [Locality: Double]?
    private let minimumSize: Int

    /// - Parameters:
    ///   - zone: Where this caller runs. Without a region, zones of that name in all regions are one.
    ///   - callers: How many callers there are in each zone, in any unit. Unless given, each zone that has instances,
    ///     and the own one, is taken to have as many as the others.
    ///   - minimumSize: 6 as Envoy: with fewer instances the shares would be coarse.
    public init(
        _ base: any LoadBalancer, in zone: Locality, callers: [Locality: Double]? = nil, minimumSize: Int = 6
    ) {
        self.base = base
        own = zone
        self.callers = callers
        self.minimumSize = minimumSize
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        let previous = previous as? ZonePicker
        var zones: [Locality: [Endpoint]] = [:]
        for endpoint in list.endpoints { zones[zone(of: endpoint), default: []].append(endpoint) }
        guard list.mode != .panic, list.endpoints.count >= minimumSize, zones.count > 1, zones[own] != nil else {
            let whole = base.picker(for: list, previous: previous?.picker(of: nil))
            return ZonePicker(list.endpoints, [ZonePicker.Part(zone: nil, share: 1, picker: whole)])
        }
        let supply = zones.mapValues { $0.reduce(0) { $0 + Double($1.weight) } }
        let plan = ZonePlan(own: own, callers: callers ?? zones.mapValues { _ in 1 }, supply: supply)
        let parts = plan.shares.compactMap { zone, share -> ZonePicker.Part? in
            guard let endpoints = zones[zone] else { return nil }
            let picker = base.picker(for: list.restricted(to: endpoints), previous: previous?.picker(of: zone))
            return ZonePicker.Part(zone: zone, share: share, picker: picker)
        }
        return ZonePicker(list.endpoints, parts)
    }

    private func zone(of endpoint: Endpoint) -> Locality {
        let locality = endpoint.instance.locality
        return own.region.isEmpty ? Locality(zone: locality.zone) : locality
    }
}

/// Which part of a caller's requests goes to which zone.
struct ZonePlan {
    /// The own zone first, the others sorted by region and name; zones that get nothing are left out. The shares add up
    /// to 1.
    let shares: [(zone: Locality, share: Double)]

    /// - Parameters:
    ///   - callers: The callers in each zone. None at all is as many in each.
    ///   - supply: The weight of the instances in each zone; the own zone has some.
    init(own: Locality, callers: [Locality: Double], supply: [Locality: Double]) {
        let capacity = supply.values.reduce(0, +)
        let demand = callers.values.reduce(0, +)
        func part(of zone: Locality) -> (demand: Double, supply: Double) {
            let share = demand > 0 ? (callers[zone] ?? 0) / demand : 1 / Double(supply.count)
            return (share, (supply[zone] ?? 0) / capacity)
        }
        let (local, here) = part(of: own)
        guard here < local else {
            shares = [(own, 1)]
            return
        }
        // What a zone can take beyond what its own callers need. The own zone has none, and all together have as much
        // as all zones lack.
        let others = supply.keys.filter { $0 != own }
            .sorted { ($0.region, $0.zone) < ($1.region, $1.zone) }
            .map { zone in
                let (needed, available) = part(of: zone)
                return (zone: zone, spare: max(0, available - needed))
            }
        let spare = others.reduce(0) { $0 + $1.spare }
        guard spare > 0 else {
            shares = [(own, 1)]
            return
        }
        let staying = here / local
        shares = [(own, staying)] + others.filter { $0.spare > 0 }.map { ($0.zone, (1 - staying) * $0.spare / spare) }
    }
}

final class ZonePicker: Picker {
    let endpoints: [Endpoint]
    private let parts: [Part]

    struct Part: Sendable {
        /// `nil` is the whole list.
        var zone: Locality?
        var share: Double
        var picker: any Picker
    }

    /// - Parameter parts: At least one.
    init(_ endpoints: [Endpoint], _ parts: [Part]) {
        self.endpoints = endpoints
        self.parts = parts
    }

    func picker(of zone: Locality?) -> (any Picker)? { parts.first { $0.zone == zone }?.picker }

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard parts.count > 1 else { return parts[0].picker.pick(request, using: &random) }
        // Requests that belong together stay together, so their key decides.
        var rest =
            request.hashKey.map { Double(StableHash.mixed(~$0) >> 11) * 0x1p-53 } ?? random.fraction()
        // A further attempt for a key may have to leave a zone whose only instance was refused.
        if request.attempt > 0 { rest = random.fraction() }
        for part in parts.dropLast() {
            if rest < part.share { return part.picker.pick(request, using: &random) }
            rest -= part.share
        }
        return parts[parts.count - 1].picker.pick(request, using: &random)
    }
}
