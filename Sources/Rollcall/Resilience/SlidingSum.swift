// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A sum over the last stretch of time, kept in slots of equal length: adding and reading cost O(1), whatever was
/// added.
///
/// The present slot counts from its beginning on, so the sum covers between `slots - 1` and `slots` slot lengths. An
/// instant before the latest one told is taken for that one.
struct SlidingSum<Value: AdditiveArithmetic & Sendable>: Sendable {
    /// The sum as of the latest instant told.
    private(set) var total = Value.zero
    private var sums: [Value]
    private let slotNanoseconds: Int64
    /// The number of the present slot, counted from the origin of the time line.
    private var slot: Int64 = .min

    /// - Parameters:
    ///   - slotLength: At least 1 ns.
    ///   - slots: At least 1.
    init(slotLength: Duration, slots: Int) {
        precondition(slots > 0, "a sliding sum has at least one slot")
        sums = Array(repeating: .zero, count: slots)
        slotNanoseconds = max(1, slotLength.wholeNanoseconds)
    }

    /// Lets go of what is older than the window.
    mutating func advance(to now: Instant) {
        let present = Self.floorDivide(now.nanoseconds, by: slotNanoseconds)
        guard present > slot else { return }
        let (passed, overflow) = present.subtractingReportingOverflow(slot)
        if overflow || passed >= Int64(sums.count) {
            clear()
        } else {
            for number in (slot + 1) ... present { empty(index(of: number)) }
        }
        slot = present
    }

    mutating func add(_ value: Value, now: Instant) {
        advance(to: now)
        sums[index(of: slot)] += value
        total += value
    }

    /// Forgets everything but the time.
    mutating func clear() {
        for index in sums.indices { sums[index] = .zero }
        total = .zero
    }

    private mutating func empty(_ index: Int) {
        total -= sums[index]
        sums[index] = .zero
    }

    private func index(of slot: Int64) -> Int {
        let rest = slot % Int64(sums.count)
        return Int(rest < 0 ? rest + Int64(sums.count) : rest)
    }

    private static func floorDivide(_ value: Int64, by divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}
