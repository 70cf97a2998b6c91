// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// One service as a caller sees it: who may be called now, what was learnt about each, and whose turn it is.
///
/// All of it may be used from any thread at once. Picks take a lock that belongs to the thread they run on (nearly: see
/// `StripeTable`) and never wait for an update, which takes these locks one after the other.
public final class Upstream: Sendable {
    /// The service whose instances are picked.
    public let service: ServiceName
    private let balancer: any LoadBalancer
    private let stripes: StripeTable
    private let writer: Mutex<Writer>

    private struct Writer: Sendable {
        var roster: EndpointRoster
        var list: EndpointList
        var picker: any Picker
    }

    /// An upstream without instances: the first ``update(_:now:)`` brings them.
    public init(
        service: ServiceName, balancer: any LoadBalancer = BalancingPolicy.standard.makeBalancer(),
        configuration: UpstreamConfiguration = UpstreamConfiguration()
    ) {
        self.service = service
        self.balancer = balancer
        let roster = EndpointRoster(service: service, configuration: configuration)
        let list = roster.list
        let picker = balancer.picker(for: list, previous: nil)
        stripes = StripeTable(picker: picker, seed: configuration.seed)
        writer = Mutex(Writer(roster: roster, list: list, picker: picker))
    }

    /// Those that may be called now.
    public var list: EndpointList { writer.withLock { $0.list } }

    /// All instances of the last snapshot with what is known of them, callable or not, sorted by identifier.
    public var known: [Endpoint] { writer.withLock { $0.roster.endpoints } }

    /// Takes over a snapshot of the service. What was learnt about an instance stays as long as its incarnation does.
    public func update(_ snapshot: ServiceSnapshot, now: Instant) {
        publish { $0.update(snapshot, now: now) }
    }

    /// From now on exactly these are ejected: they are not called unless the panic threshold is passed. Identities that
    /// are not in the snapshot have no effect.
    public func setEjected(_ identities: Set<EndpointIdentity>, now: Instant) {
        publish { $0.setEjected(identities, now: now) }
    }

    private func publish(_ change: (inout EndpointRoster) -> Void) {
        writer.withLock { writer in
            change(&writer.roster)
            writer.list = writer.roster.list
            writer.picker = balancer.picker(for: writer.list, previous: writer.picker)
            stripes.replacePickers(by: writer.picker)
        }
    }

    /// Picks an endpoint for a request that is made now. The request counts as under way until its
    /// ``Pick/finish(_:now:)``, so each pick has to be finished, whatever becomes of the request.
    ///
    /// - Returns: `nil` when nobody may be called.
    public func pick(_ request: PickRequest) -> Pick? {
        guard let endpoint = choose(request) else { return nil }
        endpoint.load.begin()
        return Pick(endpoint: endpoint, startedAt: request.now)
    }

    /// Picks as ``pick(_:)`` does, but none of `excluded` (the same lives of the same instances) as long as anything
    /// else can be picked. When there is nothing else, one of them is picked all the same: with a single instance a
    /// second try is better than none. Who wants none compares the endpoint.
    public func pick(_ request: PickRequest, excluding excluded: [Endpoint]) -> Pick? {
        guard !excluded.isEmpty else { return pick(request) }
        let endpoint = stripes.withStripe { picker, random in
            Self.choose(picker, request, excluded, &random)
        }
        guard let endpoint else { return nil }
        endpoint.load.begin()
        return Pick(endpoint: endpoint, startedAt: request.now)
    }

    /// The endpoint that a pick would bring, for someone who makes the request elsewhere: nothing is counted.
    public func choose(_ request: PickRequest) -> Endpoint? {
        stripes.withStripe { picker, random in picker.pick(request, using: &random) }
    }

    /// How often the policy is asked again before whoever is left is taken.
    private static let repeatsMax = 4

    private static func choose(
        _ picker: any Picker, _ request: PickRequest, _ excluded: [Endpoint], _ random: inout PickRandom
    ) -> Endpoint? {
        var request = request
        var last: Endpoint?
        for _ in 0 ... repeatsMax {
            guard let endpoint = picker.pick(request, using: &random) else { return last }
            if !excluded.contains(where: { $0.load === endpoint.load }) { return endpoint }
            last = endpoint
            request.attempt += 1
        }
        let endpoints = picker.endpoints
        let start = random.below(endpoints.count)
        for offset in endpoints.indices {
            let endpoint = endpoints[(start + offset) % endpoints.count]
            if !excluded.contains(where: { $0.load === endpoint.load }) { return endpoint }
        }
        return last
    }
}

/// One request to one endpoint. It is under way until it is finished.
public struct Pick: Sendable {
    /// Where the request goes.
    public let endpoint: Endpoint
    /// When the request began: ``PickRequest/now``.
    public let startedAt: Instant

    /// The request has ended: its answer has been read to the end, or it failed. To be called exactly once; what is not
    /// finished counts as under way for ever.
    ///
    /// - Parameter now: The time from the pick to this is taken as the latency.
    public func finish(_ outcome: CallOutcome, now: Instant) {
        endpoint.load.finish(outcome, nanoseconds: now.nanoseconds &- startedAt.nanoseconds, now: now)
    }

    /// The request has ended, and its latency was measured otherwise, such as up to the first byte of a long stream.
    public func finish(_ outcome: CallOutcome, latency: Duration, now: Instant) {
        endpoint.load.finish(outcome, latency: latency, now: now)
    }
}
