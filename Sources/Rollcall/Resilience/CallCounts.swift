// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How many calls ended, and how.
struct CallCounts: AdditiveArithmetic, Hashable, Sendable {
    var calls = 0
    var failed = 0
    var slow = 0

    static let zero = CallCounts()

    init(calls: Int = 0, failed: Int = 0, slow: Int = 0) {
        self.calls = calls
        self.failed = failed
        self.slow = slow
    }

    static func + (left: CallCounts, right: CallCounts) -> CallCounts {
        CallCounts(
            calls: left.calls + right.calls, failed: left.failed + right.failed, slow: left.slow + right.slow)
    }

    static func - (left: CallCounts, right: CallCounts) -> CallCounts {
        CallCounts(
            calls: left.calls - right.calls, failed: left.failed - right.failed, slow: left.slow - right.slow)
    }
}

/// The counts of the last calls, at most a fixed number of them.
struct LastCalls: Sendable {
    private(set) var total = CallCounts.zero
    private var ring: [CallCounts]
    private var next = 0

    /// - Parameter size: At least 1.
    init(size: Int) {
        precondition(size > 0, "a window of calls holds at least one")
        ring = Array(repeating: .zero, count: size)
    }

    mutating func add(_ call: CallCounts) {
        total += call
        total -= ring[next]
        ring[next] = call
        next = next + 1 == ring.count ? 0 : next + 1
    }
}
