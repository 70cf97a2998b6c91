// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A point on a monotonic time line, in nanoseconds since an arbitrary origin.
///
/// Every state machine of this module is told the current instant by its caller and never reads a clock. Setting the
/// machine's wall clock does not move it. Arithmetic saturates instead of trapping, so that a far deadline
/// (`.distantFuture`) is an ordinary value.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the origin of the time line.
    public let nanoseconds: Int64

    /// Later than every instant that a clock can show.
    public static let distantFuture = Instant(nanoseconds: .max)
    /// The origin of the time line.
    public static let zero = Instant(nanoseconds: 0)

    /// - Parameter nanoseconds: Since the origin of the time line; negative before it.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The instant `duration` later, or the nearest representable one.
    public func advanced(by duration: Duration) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return overflow ? (duration < .zero ? Instant(nanoseconds: .min) : .distantFuture) : Instant(nanoseconds: sum)
    }

    /// The time from this instant to `other`: negative when `other` is earlier.
    public func duration(to other: Instant) -> Duration {
        let (difference, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        return .nanoseconds(overflow ? (other < self ? .min : .max) : difference)
    }

    public static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }
    /// Saturates, as ``advanced(by:)``.
    public static func + (left: Instant, right: Duration) -> Instant { left.advanced(by: right) }
    /// Saturates, as ``advanced(by:)``.
    public static func - (left: Instant, right: Duration) -> Instant { left.advanced(by: .zero - right) }
    /// The time from `right` to `left`; negative when `left` is earlier.
    public static func - (left: Instant, right: Instant) -> Duration { right.duration(to: left) }
}

extension Duration {
    /// This duration in whole nanoseconds, saturated to the range of `Int64` (292 years).
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        if overflowed { return seconds < 0 ? .min : .max }
        return sum
    }

    /// This duration in whole milliseconds, rounded toward zero.
    public var wholeMilliseconds: Int64 { wholeNanoseconds / 1_000_000 }

    /// This duration in seconds, for display and for wire formats.
    public var inSeconds: Double { Double(wholeNanoseconds) / 1e9 }
}
