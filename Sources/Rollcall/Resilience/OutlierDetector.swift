// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Watches the calls to the endpoints of one service and takes those out for a while that fail.
///
/// Two triggers, as Envoy's: several failures in a row, and a success rate far below that of the others. The time out
/// grows with each ejection and shrinks again with good time. An endpoint that comes back proves itself with its first
/// call: when that fails it goes at once (as the single probe of Finagle and linkerd). Unlike Envoy a service of three
/// can lose one; the last endpoint always stays.
///
/// A value without clock: the owner passes instants in, calls ``advance(to:)`` at ``wake``, and applies the
/// transitions.
public struct OutlierDetector<Endpoint: Hashable & Sendable>: Sendable {
    /// A change of who is out.
    public enum Transition: Sendable, Hashable {
        /// No call goes there before that instant.
        case ejected(Endpoint, until: Instant, OutlierCause)
        /// Calls may go there again.
        case readmitted(Endpoint)
    }

    /// When an endpoint is taken out, and for how long.
    public let configuration: OutlierConfiguration
    private(set) var tracks: [Endpoint: OutlierTrack] = [:]
    private var nextComparison: Instant
    /// When the first of those that are out comes back.
    private var nextReadmission = Instant.distantFuture
    /// Whether a call was recorded since the last comparison.
    private var hasNews = false

    /// A detector that knows no endpoint.
    public init(_ configuration: OutlierConfiguration = OutlierConfiguration(), now: Instant) {
        self.configuration = configuration
        nextComparison = now + configuration.interval
    }

    /// The endpoints that are out at the latest instant told.
    public var ejected: Set<Endpoint> { Set(tracks.lazy.filter { $0.value.ejectedUntil != nil }.map(\.key)) }

    /// When ``advance(to:)`` has something to do; `nil` while nobody is out and nothing is to be compared.
    public var wake: Instant? {
        let next = hasNews ? min(nextComparison, nextReadmission) : nextReadmission
        return next == .distantFuture ? nil : next
    }

    /// How many endpoints may be out at once.
    public var ejectionsMax: Int {
        let share = Int((configuration.maximumEjectedShare * Double(tracks.count) + 1e-9).rounded(.down))
        return max(0, min(tracks.count - 1, tracks.count >= 3 ? max(1, share) : share))
    }

    /// The endpoints of the service are now these. What is known of those that stay is kept.
    ///
    /// - Returns: Who has to come back because fewer may be out than before. Who left is not told.
    public mutating func update(_ endpoints: some Sequence<Endpoint>, now: Instant) -> [Transition] {
        var kept: [Endpoint: OutlierTrack] = [:]
        for endpoint in endpoints { kept[endpoint] = tracks[endpoint] ?? OutlierTrack(configuration, now: now) }
        tracks = kept
        nextReadmission = tracks.values.lazy.compactMap(\.ejectedUntil).min() ?? .distantFuture
        var transitions = advance(to: now)
        let out = tracks.compactMap { endpoint, track in track.ejectedUntil.map { (endpoint, $0) } }
        // Those whose time would end first.
        for (endpoint, _) in out.sorted(by: { $0.1 < $1.1 }).prefix(max(0, out.count - ejectionsMax)) {
            readmit(endpoint, now: now)
            transitions.append(.readmitted(endpoint))
        }
        return transitions
    }

    /// A call ended.
    ///
    /// - Parameters:
    ///   - start: When it began. A call that began before the endpoint went out or came back says nothing about it now.
    public mutating func record(
        _ outcome: CallOutcome, of endpoint: Endpoint, start: Instant, now: Instant
    ) -> [Transition] {
        var transitions = advance(to: now)
        // By index, so that the window is changed in place.
        guard let index = tracks.index(forKey: endpoint), tracks.values[index].ejectedUntil == nil,
            start >= tracks.values[index].admittedAt
        else { return transitions }
        switch outcome {
        case .cancelled:
            return transitions
        case .success:
            tracks.values[index].succeed(now: now)
        case .failure(let failure):
            // Who asks for less is alive: it counts in the rate, but is no failure in a row (as linkerd's breaker).
            let isConsecutive = failure != .overloaded
            tracks.values[index].fail(isConsecutive: isConsecutive, now: now)
            if tracks.values[index].isOnProbation {
                eject(endpoint, .probation, now: now, into: &transitions)
            } else if isConsecutive, tracks.values[index].consecutive >= max(1, configuration.consecutiveFailures) {
                eject(endpoint, .consecutiveFailures, now: now, into: &transitions)
            }
        }
        hasNews = true
        return transitions
    }

    /// Lets back in whose time is over, and compares success rates when that is due.
    public mutating func advance(to now: Instant) -> [Transition] {
        var transitions = readmitDue(now: now)
        guard now >= nextComparison else { return transitions }
        nextComparison = now + configuration.interval
        if hasNews { compare(now: now, into: &transitions) }
        hasNews = false
        return transitions
    }

    private mutating func compare(now: Instant, into transitions: inout [Transition]) {
        var rates: [(endpoint: Endpoint, rate: Double)] = []
        for (endpoint, track) in tracks where track.ejectedUntil == nil {
            tracks[endpoint]?.window.advance(to: now)
            let counts = tracks[endpoint]?.window.total ?? .zero
            guard counts.calls >= max(1, configuration.successRateMinimumCalls) else { continue }
            rates.append((endpoint, Double(counts.calls - counts.failed) / Double(counts.calls)))
        }
        guard rates.count >= max(1, configuration.successRateMinimumEndpoints) else { return }
        let threshold = min(
            OutlierStatistics.threshold(of: rates.map(\.rate), factor: configuration.successRateDeviations),
            configuration.tolerableSuccessRate)
        // The worst first, as not all may go.
        for (endpoint, rate) in rates.sorted(by: { $0.rate < $1.rate }) where rate < threshold {
            eject(endpoint, .successRate, now: now, into: &transitions)
        }
    }

    private mutating func eject(
        _ endpoint: Endpoint, _ cause: OutlierCause, now: Instant, into transitions: inout [Transition]
    ) {
        let out = tracks.values.count { $0.ejectedUntil != nil }
        guard out < ejectionsMax, let until = tracks[endpoint]?.eject(configuration, now: now) else { return }
        nextReadmission = min(nextReadmission, until)
        transitions.append(.ejected(endpoint, until: until, cause))
    }

    private mutating func readmit(_ endpoint: Endpoint, now: Instant) {
        tracks[endpoint]?.readmit(now: now)
        nextReadmission = tracks.values.lazy.compactMap(\.ejectedUntil).min() ?? .distantFuture
    }

    private mutating func readmitDue(now: Instant) -> [Transition] {
        guard nextReadmission <= now else { return [] }
        let due = tracks.filter { ($0.value.ejectedUntil ?? .distantFuture) <= now }.map(\.key)
        for endpoint in due { readmit(endpoint, now: now) }
        return due.map(Transition.readmitted)
    }
}
