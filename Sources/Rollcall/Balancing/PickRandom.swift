// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The random numbers of picks: wyrand (Wang Yi, "wyhash", 2019), one addition and one multiplication a number. Not for
/// secrets. The same seed gives the same numbers.
public struct PickRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// The numbers that follow from `seed`.
    public init(seed: UInt64) {
        state = seed
    }

    @inline(__always)
    public mutating func next() -> UInt64 {
        state &+= 0xA076_1D64_78BD_642F
        let product = state.multipliedFullWidth(by: state ^ 0xE703_7ED1_A0B4_28DB)
        return product.high ^ product.low
    }

    /// A number from 0 up to `count`, without `count`; `count` is at least 1. The most likely and the least likely
    /// number differ by less than `count` / 2^64.
    @inline(__always)
    public mutating func below(_ count: Int) -> Int {
        Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: count)).high)
    }

    /// Two different numbers below `count`, which is 2 to 2^31, from one draw; each pair is as likely as the others to
    /// within `count` / 2^32.
    @inline(__always)
    mutating func pair(below count: Int) -> (Int, Int) {
        let bits = next()
        let size = UInt64(truncatingIfNeeded: count)
        let first = ((bits & 0xFFFF_FFFF) &* size) >> 32
        let other = ((bits >> 32) &* (size &- 1)) >> 32
        return (
            Int(truncatingIfNeeded: first), Int(truncatingIfNeeded: other >= first ? other &+ 1 : other)
        )
    }

    /// A number from 0 up to 1, without 1.
    @inline(__always)
    public mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
