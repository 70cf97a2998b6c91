// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// Whose turn it is, counted up by all threads. An object of its own, so that the cache line that every pick writes is
/// none that picks only read.
final class TurnCursor: Sendable {
    private let count: Atomic<UInt64>
    private let padding: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)

    init(_ start: UInt64) {
        count = Atomic(start)
    }

    /// The present turn; the next call gets the next one.
    @inline(__always)
    func take() -> UInt64 { count.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// The turn that the next call of ``take()`` gets.
    var upcoming: UInt64 { count.load(ordering: .relaxed) }
}

/// `value` modulo `divisor`. Division of 32 bits takes about half the time of one of 64.
@inline(__always)
func remainder(_ value: UInt64, _ divisor: Int) -> Int {
    if (value | UInt64(truncatingIfNeeded: divisor)) >> 32 == 0 {
        return Int(truncatingIfNeeded: UInt32(truncatingIfNeeded: value) % UInt32(truncatingIfNeeded: divisor))
    }
    return Int(truncatingIfNeeded: value % UInt64(truncatingIfNeeded: divisor))
}
