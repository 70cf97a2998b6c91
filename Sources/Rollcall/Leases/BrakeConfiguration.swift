// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// When losses are too many to be believed, and what makes them believable again.
public struct BrakeConfiguration: Hashable, Sendable {
    /// Off: every lapse is a loss of that instance, and every eviction goes ahead.
    public var isEnabled = true
    /// Lapses count together when they lie within this time. 60 s: two default ttls, so that one outage, whose lapses
    /// are spread over one ttl by the phase of the heartbeats, is seen as one, and independent deaths are not added up.
    public var window: Duration = .seconds(60)
    /// Fewer losses than this never engage the brake. 3: one or two dead instances are ordinary in a fleet of any size,
    /// and of a handful of instances every share would be exceeded at once.
    public var minimumLosses = 3
    /// The share of the whole fleet that may be lost within the window. 0.15: Eureka's
    /// `renewalPercentThreshold` of 0.85, which that system calls self preservation.
    public var fleetShare = 0.15
    /// The share of one service that may be lost within the window. 0.5: a service is small and loses some instances in
    /// every bad deployment; when the greater part goes at once, hiding all of them helps no consumer.
    public var serviceShare = 0.5
    /// When no further lapse came for this long although others renew, what stays silent is gone. 5 min: longer than a
    /// restart of a machine, a switch, or a group of containers.
    public var quietPeriod: Duration = .seconds(300)
    /// Once the suspects are fewer than half of the tolerated share, this must have lasted so long before the rest is
    /// released. 30 s: one default ttl, in which the slowest instance sends its next heartbeat.
    public var settlePeriod: Duration = .seconds(30)
    /// After a quiet period the fleet is only believed while at least this share of its leases is current. 0.5: on the
    /// smaller side of a network partition the registry hears some instances renew, too. Within one service one current
    /// lease is enough, because the fleet has vouched for the network.
    public var fleetWitnessShare = 0.5
    /// The share of a scope that is released, and then evicted, per second. 0.01: whoever follows the registry has more
    /// than a minute to notice that it goes wrong.
    public var releaseShare = 0.01
    /// The least number per second that is released. 1: small scopes are done in a reasonable time.
    public var minimumReleasePerSecond = 1.0

    /// Everything at its default.
    public init() {}

    /// Each value that is out of its range, as a sentence with the name, the range and the value; empty when all are
    /// fit.
    public func faults() -> [String] {
        var faults: [String] = []
        for (name, value) in [("window", window), ("quietPeriod", quietPeriod)] where value <= .zero {
            faults.append("\(name) must be longer than zero, got \(value)")
        }
        if settlePeriod < .zero { faults.append("settlePeriod must not be negative, got \(settlePeriod)") }
        if minimumLosses < 1 { faults.append("minimumLosses must be at least 1, got \(minimumLosses)") }
        for (name, value) in [
            ("fleetShare", fleetShare), ("serviceShare", serviceShare), ("fleetWitnessShare", fleetWitnessShare),
            ("releaseShare", releaseShare),
        ] where !(0 ... 1).contains(value) {
            faults.append("\(name) must be between 0 and 1, got \(value)")
        }
        if !(0.001 ... 1_000_000).contains(minimumReleasePerSecond) {
            faults.append("minimumReleasePerSecond must be between 0.001 and 1000000, got \(minimumReleasePerSecond)")
        }
        return faults
    }
}

/// How an instance came out of the brake, which decides how its eviction is paced.
struct BrakeRelease: OptionSet, Sendable {
    let rawValue: UInt8
    /// It was released by the brake: its eviction takes its turn.
    static let paced = BrakeRelease(rawValue: 1)
    /// The release was that of its service: the pace of the service holds, too.
    static let byService = BrakeRelease(rawValue: 2)
    /// An operator gave the word: an engaged brake does not hold the eviction again.
    static let byOperator = BrakeRelease(rawValue: 4)
    /// The eviction has its turn, at the instant at which it is due.
    static let scheduled = BrakeRelease(rawValue: 8)
}
