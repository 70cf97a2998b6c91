// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How long the last calls took, in buckets of bounded number and bounded error, so that any quantile can be read.
///
/// Sixteen buckets for each doubling, as in HdrHistogram: what is read is at most 1/16 more than what was recorded,
/// and never less. It covers 1 µs to 2.4 hours; what lies outside is taken for the nearest. The calls of the present
/// and of the previous window count.
struct LatencyHistogram: Sendable {
    private static let bucketsPerDoubling = 16
    private static let doublings = 33
    private static var bucketCount: Int { bucketsPerDoubling * (doublings + 1) }

    private let window: Duration
    private var present = [UInt32](repeating: 0, count: Self.bucketCount)
    private var previous = [UInt32](repeating: 0, count: Self.bucketCount)
    private var presentCount = 0
    private var previousCount = 0
    private var windowEnd: Instant

    init(window: Duration = .seconds(30), now: Instant) {
        self.window = max(window, .nanoseconds(1))
        windowEnd = now + self.window
    }

    /// How many calls the quantiles are of.
    var count: Int { presentCount + previousCount }

    mutating func record(_ latency: Duration, now: Instant) {
        advance(to: now)
        guard presentCount < Int(UInt32.max) else { return }
        present[Self.bucket(of: latency)] += 1
        presentCount += 1
    }

    mutating func advance(to now: Instant) {
        guard now >= windowEnd else { return }
        let isNext = now < windowEnd + window
        swap(&present, &previous)
        previousCount = presentCount
        if !isNext { Self.clear(&previous, &previousCount) }
        Self.clear(&present, &presentCount)
        windowEnd = isNext ? windowEnd + window : now + window
    }

    /// The duration that the share `quantile` of the calls did not exceed; `nil` when there are none. Looks at every
    /// bucket.
    func quantile(_ quantile: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = max(1, Int((min(1, max(0, quantile)) * Double(count)).rounded(.up)))
        var seen = 0
        for bucket in present.indices {
            seen += Int(present[bucket]) + Int(previous[bucket])
            if seen >= rank { return Self.upperBound(of: bucket) }
        }
        return nil
    }

    private static func clear(_ buckets: inout [UInt32], _ count: inout Int) {
        for index in buckets.indices { buckets[index] = 0 }
        count = 0
    }

    /// Buckets 0 to 15 are of one microsecond each; from there on sixteen for each doubling.
    private static func bucket(of latency: Duration) -> Int {
        let microseconds = max(1, (latency.wholeNanoseconds / 1_000) + (latency.wholeNanoseconds % 1_000 > 0 ? 1 : 0))
        let value = Int(microseconds - 1)
        guard value >= bucketsPerDoubling else { return value }
        let exponent = Int.bitWidth - value.leadingZeroBitCount - 5
        let bucket = (exponent + 1) * bucketsPerDoubling + (value >> exponent) - bucketsPerDoubling
        return min(bucket, bucketCount - 1)
    }

    private static func upperBound(of bucket: Int) -> Duration {
        guard bucket >= bucketsPerDoubling else { return .microseconds(bucket + 1) }
        let exponent = bucket / bucketsPerDoubling - 1
        let mantissa = bucket % bucketsPerDoubling + bucketsPerDoubling
        return .microseconds((mantissa + 1) << exponent)
    }
}
