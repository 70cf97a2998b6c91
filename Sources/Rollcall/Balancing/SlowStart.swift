// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Gives an instance that is new, or back from failure, its share little by little, so that it can fill its caches.
/// Works with every balancer: what it picks while warming up is accepted with a probability that grows, and picked
/// again otherwise. A balancer that insists on the one that was refused, as it has the least load, is not asked again:
/// two others are drawn then, and the one with fewer calls under way is taken.
///
/// What counts is the difference to the others: when all are new there is nobody to spare them, and nothing is changed.
public struct SlowStartBalancer: LoadBalancer {
    private let base: any LoadBalancer
    private let ramp: SlowStartRamp

    /// - Parameters:
    ///   - window: How long the warming up takes; more than zero.
    ///   - minimum: The share at the beginning, more than 0 and at most 1. 0.1 as Envoy.
    ///   - aggression: 1 is a straight line, 2 rises fast at first, 0.5 late; more than 0.
    public init(
        _ base: any LoadBalancer, window: Duration = .seconds(30), minimum: Double = 0.1, aggression: Double = 1
    ) {
        self.base = base
        ramp = SlowStartRamp(window: window, minimum: minimum, aggression: aggression)
    }

    public func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker {
        let base = base.picker(for: list, previous: (previous as? SlowStartPicker)?.base)
        return SlowStartPicker(base, list, ramp)
    }
}

/// The share of an instance by the time since it began: max(minimum, (t / window)^(1 / aggression)). Source: Envoy.
struct SlowStartRamp: Sendable, Hashable {
    let window: Duration
    let minimum: Double
    let aggression: Double

    init(window: Duration, minimum: Double, aggression: Double) {
        precondition(window > .zero && minimum > 0 && aggression > 0, "a slow start needs values more than zero")
        self.window = window
        self.minimum = min(minimum, 1)
        self.aggression = aggression
    }

    /// From `minimum` to 1.
    func share(since start: Instant, at now: Instant) -> Double {
        let part = start.duration(to: now) / window
        guard part < 1 else { return 1 }
        return max(minimum, aggression == 1 ? part : pow(max(part, 0), 1 / aggression))
    }
}

final class SlowStartPicker: Picker {
    let base: any Picker
    private let candidates: Candidates
    private let weighted: WeightedDraw
    private let ramp: SlowStartRamp
    /// From when on all are warm.
    private let warmAt: Instant
    /// When the first of them began.
    private let earliest: Instant

    init(_ base: any Picker, _ list: EndpointList, _ ramp: SlowStartRamp) {
        self.base = base
        self.ramp = ramp
        // What the base may pick, which can be less than the list.
        let inner = list.restricted(to: base.endpoints)
        candidates = Candidates(inner.endpoints)
        weighted = WeightedDraw(inner)
        let starts = inner.endpoints.map(\.load.since)
        warmAt = (starts.max() ?? Instant(nanoseconds: .min)) + ramp.window
        earliest = starts.min() ?? Instant(nanoseconds: .min)
    }

    var endpoints: [Endpoint] { candidates.endpoints }

    /// After so many refusals the next is accepted: most of the list is warming up then.
    private static let repeatsMax = 8

    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint? {
        guard request.now < warmAt, candidates.endpoints.count > 1 else {
            return base.pick(request, using: &random)
        }
        let best = ramp.share(since: earliest, at: request.now)
        var request = request
        var refused: Endpoint?
        for _ in 0 ..< Self.repeatsMax {
            guard var endpoint = base.pick(request, using: &random) else { return nil }
            if endpoint === refused { endpoint = other(than: endpoint, using: &random) }
            let share = ramp.share(since: endpoint.load.since, at: request.now)
            if share >= best || random.fraction() * best < share { return endpoint }
            refused = endpoint
            request.attempt += 1
        }
        return base.pick(request, using: &random)
    }

    private func other(than refused: Endpoint, using random: inout PickRandom) -> Endpoint {
        let (first, second) = weighted.pair(using: &random)
        let (one, two) = (candidates.endpoints[first], candidates.endpoints[second])
        if one === refused { return two }
        if two === refused { return one }
        return candidates.isLess(second, first) ? two : one
    }
}
