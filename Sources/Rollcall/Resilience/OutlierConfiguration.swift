// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// When an endpoint is taken out by an ``OutlierDetector``, and for how long. The defaults are Envoy's where it has
/// them.
public struct OutlierConfiguration: Sendable, Hashable {
    /// So many failures in a row take an endpoint out.
    public var consecutiveFailures: Int
    /// How often success rates are compared.
    public var interval: Duration
    /// How far back success rates look, in ten slots. Finagle's 30 s, so that moderate traffic reaches the minimum.
    public var successRateWindow: Duration
    /// Success rates are compared when at least so many endpoints have enough calls.
    public var successRateMinimumEndpoints: Int
    /// An endpoint takes part in the comparison with at least so many calls in the window.
    public var successRateMinimumCalls: Int
    /// An endpoint whose rate is lower than the mean by more than so many standard deviations is taken out.
    public var successRateDeviations: Double
    /// Nobody is taken out by comparison whose success rate, 0 to 1, is at least this: among endpoints without fault
    /// the deviation is so small that a single failure would be far from the mean.
    public var tolerableSuccessRate: Double
    /// How long the first ejection lasts; the n-th lasts n times as long.
    public var baseEjectionTime: Duration
    /// No ejection lasts longer.
    public var maximumEjectionTime: Duration
    /// At most this share of the endpoints is out at once, 0 to 1. One of three or more may always be, the last never.
    public var maximumEjectedShare: Double

    /// The settings that are named, and the defaults of the others.
    public init(
        consecutiveFailures: Int = 5, interval: Duration = .seconds(10), successRateWindow: Duration = .seconds(30),
        successRateMinimumEndpoints: Int = 5, successRateMinimumCalls: Int = 100, successRateDeviations: Double = 1.9,
        tolerableSuccessRate: Double = 0.95, baseEjectionTime: Duration = .seconds(30),
        maximumEjectionTime: Duration = .seconds(300), maximumEjectedShare: Double = 0.1
    ) {
        self.consecutiveFailures = consecutiveFailures
        self.interval = interval
        self.successRateWindow = successRateWindow
        self.successRateMinimumEndpoints = successRateMinimumEndpoints
        self.successRateMinimumCalls = successRateMinimumCalls
        self.successRateDeviations = successRateDeviations
        self.tolerableSuccessRate = tolerableSuccessRate
        self.baseEjectionTime = baseEjectionTime
        self.maximumEjectionTime = maximumEjectionTime
        self.maximumEjectedShare = maximumEjectedShare
    }
}

/// Why an endpoint was taken out.
public enum OutlierCause: Sendable, Hashable {
    /// So many calls failed one after the other as the configuration says.
    case consecutiveFailures
    /// Its success rate is far below that of the others.
    case successRate
    /// The first call after it came back failed.
    case probation
}

enum OutlierStatistics {
    /// The mean of `rates` less `factor` times their population standard deviation.
    static func threshold(of rates: [Double], factor: Double) -> Double {
        let mean = rates.reduce(0, +) / Double(rates.count)
        let variance = rates.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(rates.count)
        return mean - factor * variance.squareRoot()
    }
}

/// What an ``OutlierDetector`` knows of one endpoint.
struct OutlierTrack: Sendable {
    private(set) var consecutive = 0
    var window: SlidingSum<CallCounts>
    private(set) var ejectedUntil: Instant?
    /// Since when calls count: it appeared, or came back.
    private(set) var admittedAt: Instant
    /// It came back and no call has succeeded since.
    private(set) var isOnProbation = false
    /// How many base times the last ejection lasted, less one for each good interval since.
    private(set) var ejections = 0
    /// What follows is good time that was not yet set against `ejections`.
    private var goodSince: Instant
    private let interval: Duration

    init(_ configuration: OutlierConfiguration, now: Instant) {
        window = SlidingSum(slotLength: configuration.successRateWindow / 10, slots: 10)
        admittedAt = now
        goodSince = now
        interval = configuration.interval
    }

    mutating func succeed(now: Instant) {
        window.add(CallCounts(calls: 1), now: now)
        consecutive = 0
        guard isOnProbation else { return }
        isOnProbation = false
        goodSince = now
    }

    mutating func fail(isConsecutive: Bool, now: Instant) {
        window.add(CallCounts(calls: 1, failed: 1), now: now)
        if isConsecutive { consecutive += 1 }
    }

    /// - Returns: Until when.
    mutating func eject(_ configuration: OutlierConfiguration, now: Instant) -> Instant {
        if !isOnProbation, interval > .zero, ejections > 0 {
            let good = (now - goodSince).wholeNanoseconds / max(1, interval.wholeNanoseconds)
            ejections -= Int(min(Int64(ejections), max(0, good)))
        }
        let longest = max(configuration.baseEjectionTime, configuration.maximumEjectionTime)
        // No further than the longest time needs, so that good time soon tells.
        if configuration.baseEjectionTime * ejections < longest { ejections += 1 }
        let until = now + min(configuration.baseEjectionTime * ejections, longest)
        ejectedUntil = until
        consecutive = 0
        window.clear()
        return until
    }

    mutating func readmit(now: Instant) {
        ejectedUntil = nil
        admittedAt = now
        isOnProbation = true
        consecutive = 0
        window.clear()
    }
}
