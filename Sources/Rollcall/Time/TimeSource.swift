// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Where the shells around the state machines get their time from: a monotonic clock for decisions and the wall clock
/// for display. Tests pass one made from a manual clock.
public struct TimeSource: Sendable {
    private let readNow: @Sendable () -> Instant
    private let readWallTime: @Sendable () -> WallTime
    private let sleepUntil: @Sendable (Instant) async throws -> Void

    /// Time that follows `clock`; its origin is the moment of this call.
    ///
    /// - Parameters:
    ///   - clock: A monotonic clock.
    ///   - wallTime: Reads the wall clock. Nothing is decided by it.
    public init<C: Clock>(
        _ clock: C, wallTime: @escaping @Sendable () -> WallTime = { .current() }
    ) where C.Duration == Duration {
        let origin = clock.now
        self.readNow = { Instant(nanoseconds: origin.duration(to: clock.now).wholeNanoseconds) }
        self.readWallTime = wallTime
        self.sleepUntil = {
            try await clock.sleep(until: origin.advanced(by: .nanoseconds($0.nanoseconds)), tolerance: nil)
        }
    }

    /// The time of this machine. It stands still while the machine is suspended: a registry that was suspended could
    /// not have heard a heartbeat, so no lease may run out for that.
    public static let system = TimeSource(SuspendingClock())

    /// The current instant.
    public func now() -> Instant { readNow() }

    /// The current wall clock time.
    public func wallTime() -> WallTime { readWallTime() }

    /// Returns at `deadline` or a little later.
    ///
    /// - Throws: `CancellationError` when the task was cancelled.
    public func sleep(until deadline: Instant) async throws { try await sleepUntil(deadline) }
}

/// A moment of the wall clock, in milliseconds since 1970-01-01T00:00:00Z. It is shown to people and never decided by.
public struct WallTime: Hashable, Comparable, Sendable {
    /// Milliseconds since the Unix epoch.
    public let millisecondsSinceEpoch: Int64

    /// - Parameter millisecondsSinceEpoch: Without leap seconds, as Unix counts; negative before 1970.
    public init(millisecondsSinceEpoch: Int64) {
        self.millisecondsSinceEpoch = millisecondsSinceEpoch
    }

    /// Reads the machine's wall clock.
    public static func current() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public static func < (left: WallTime, right: WallTime) -> Bool {
        left.millisecondsSinceEpoch < right.millisecondsSinceEpoch
    }
}
