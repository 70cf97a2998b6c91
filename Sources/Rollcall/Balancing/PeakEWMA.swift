// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// The peak-sensitive moving average of a latency: it jumps up to a sample that is higher and comes down slowly, by
/// `e^(-t / decay)`. Without samples it goes to zero, so that an instance that nobody asked for long is asked again.
///
/// Source: Finagle's `PeakEwma`, tower's `load::peak_ewma`.
public struct PeakEWMA: Sendable, Hashable {
    /// The average as it was at `stamp`, in seconds.
    public private(set) var cost: Double
    /// When the last sample was taken in.
    public private(set) var stamp: Instant
    /// After this long without samples a cost is down to 1/e, 36.8 %.
    public let decay: Duration

    /// - Parameters:
    ///   - cost: In seconds, not negative.
    ///   - decay: More than zero.
    public init(cost: Double = 0, at stamp: Instant, decay: Duration = Self.standardDecay) {
        precondition(decay > .zero, "a cost cannot decay in no time")
        self.cost = cost
        self.stamp = stamp
        self.decay = decay
    }

    /// 10 s, as Finagle and linkerd.
    public static let standardDecay: Duration = .seconds(10)

    /// The cost as it is at `now`, in seconds. Time that goes back counts as standing still.
    public func cost(at now: Instant) -> Double { cost * retained(until: now) }

    /// Takes in a sample of so many seconds.
    public mutating func observe(_ seconds: Double, at now: Instant) {
        if seconds > cost {
            cost = seconds
        } else {
            let retained = retained(until: now)
            cost = seconds * (1 - retained) + cost * retained
        }
        stamp = max(stamp, now)
    }

    /// Lifts the cost to at least so many seconds; a cost that is higher only decays. What a failure does, and a call
    /// that was given up: how long it would have taken is not known, only that it is not less.
    public mutating func raise(to seconds: Double, at now: Instant) {
        cost = max(seconds, cost(at: now))
        stamp = max(stamp, now)
    }

    /// The part of the cost that is left at `now`.
    private func retained(until now: Instant) -> Double {
        guard now > stamp else { return 1 }
        return exp(-(stamp.duration(to: now) / decay))
    }
}
