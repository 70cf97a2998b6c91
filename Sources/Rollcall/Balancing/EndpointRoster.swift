// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// All endpoints of a service, callable or not, and what was learnt about them: makes the list of those that may be
/// called after each change. A value; time is passed in.
struct EndpointRoster: Sendable {
    private let configuration: UpstreamConfiguration
    private let terms: LatencyTerms
    /// All instances of the last snapshot, sorted by identifier.
    private(set) var endpoints: [Endpoint] = []
    private(set) var ejected: Set<EndpointIdentity> = []
    /// Loads of endpoints that left, kept for a while in case that the registry only lost sight of them.
    private var departed: [EndpointIdentity: (load: EndpointLoad, until: Instant)] = [:]
    private var hasBegun = false
    private let service: ServiceName
    private var revision = Revision.zero

    init(service: ServiceName, configuration: UpstreamConfiguration) {
        self.service = service
        self.configuration = configuration
        terms = LatencyTerms(decay: configuration.latencyDecay, penalty: configuration.failurePenalty)
    }

    /// Takes over a snapshot. Endpoints of the same identity and incarnation keep their loads.
    mutating func update(_ snapshot: ServiceSnapshot, now: Instant) {
        let instances = snapshot.instances
        var merged: [Endpoint] = []
        merged.reserveCapacity(instances.count)
        var old = endpoints[...]
        for instance in instances {
            while let first = old.first, first.id < instance.id { depart(old.removeFirst(), now) }
            if let first = old.first, first.id == instance.id {
                old.removeFirst()
                if first.instance.incarnation == instance.incarnation {
                    merged.append(kept(first, as: instance, now))
                    continue
                }
                depart(first, now)
            }
            merged.append(Endpoint(instance: instance, load: newLoad(of: instance, now)))
        }
        for endpoint in old { depart(endpoint, now) }
        if !departed.isEmpty { departed = departed.filter { $0.value.until > now } }
        endpoints = merged
        revision = snapshot.revision
        hasBegun = hasBegun || !merged.isEmpty
    }

    /// From now on exactly these are ejected; identities that are not in the snapshot have no effect. One that comes
    /// back starts slowly, as one that recovered.
    mutating func setEjected(_ identities: Set<EndpointIdentity>, now: Instant) {
        let released = ejected.subtracting(identities)
        ejected = identities
        guard !released.isEmpty else { return }
        for endpoint in endpoints where released.contains(endpoint.identity) { endpoint.load.restart(at: now) }
    }

    /// Those that may be called now.
    var list: EndpointList {
        var usable: [Endpoint] = []
        usable.reserveCapacity(endpoints.count)
        var enabled = 0
        for endpoint in endpoints where isEnabled(endpoint) {
            enabled += 1
            if endpoint.instance.status.isHealthy && !isEjected(endpoint) { usable.append(endpoint) }
        }
        if Double(usable.count) >= configuration.panicThreshold * Double(enabled), !usable.isEmpty {
            return list(.normal, usable)
        }
        let suspects =
            usable.isEmpty ? endpoints.filter { isEnabled($0) && isSuspect($0) && !isEjected($0) } : []
        if Double(suspects.count) >= configuration.panicThreshold * Double(enabled), !suspects.isEmpty {
            return list(.suspect, suspects)
        }
        if configuration.panicThreshold > 0 && enabled > 0 { return list(.panic, endpoints.filter(isEnabled)) }
        return list(.normal, [])
    }

    private func list(_ mode: EndpointList.Mode, _ endpoints: [Endpoint]) -> EndpointList {
        EndpointList(service: service, revision: revision, mode: mode, endpoints: endpoints)
    }

    /// Nobody took it out on purpose: it declared itself ready, has a weight, and is neither draining nor in
    /// maintenance.
    private func isEnabled(_ endpoint: Endpoint) -> Bool {
        switch endpoint.instance.status {
        case .up, .warning, .down, .suspect: endpoint.weight > 0
        case .starting, .draining, .outOfService: false
        }
    }

    private func isSuspect(_ endpoint: Endpoint) -> Bool { endpoint.instance.status == .suspect }

    private func isEjected(_ endpoint: Endpoint) -> Bool {
        !ejected.isEmpty && ejected.contains(endpoint.identity)
    }

    private func kept(_ endpoint: Endpoint, as instance: ServiceInstance, _ now: Instant) -> Endpoint {
        if endpoint.instance == instance { return endpoint }
        let before = endpoint.instance.status
        // A suspect one was never out of work: the doubt was about the registry's view.
        if instance.status.isHealthy && !before.isHealthy && before != .suspect { endpoint.load.restart(at: now) }
        return Endpoint(instance: instance, load: endpoint.load)
    }

    private mutating func depart(_ endpoint: Endpoint, _ now: Instant) {
        departed[endpoint.identity] = (endpoint.load, now + configuration.departedRetention)
    }

    private mutating func newLoad(of instance: ServiceInstance, _ now: Instant) -> EndpointLoad {
        if !departed.isEmpty,
            let known = departed.removeValue(forKey: EndpointIdentity(instance.key, instance.incarnation))
        {
            return known.load
        }
        // Those of the first list were there before the caller; whether they are warm cannot be known.
        return EndpointLoad(terms: terms, since: hasBegun ? now : Instant(nanoseconds: .min))
    }
}
