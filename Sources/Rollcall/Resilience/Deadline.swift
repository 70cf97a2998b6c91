// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Until when an answer is of use. It is passed on from call to call and only ever becomes earlier.
///
/// On the wire it is a duration, not a time of day, so that clocks need not agree; what is written is rounded down, so
/// that no callee believes to have longer than its caller waits.
public struct Deadline: Sendable, Hashable, Comparable {
    /// On the process's monotonic clock; `.distantFuture` for none.
    public let instant: Instant

    /// No deadline.
    public static let none = Deadline(.distantFuture)

    /// The deadline at `instant`.
    public init(_ instant: Instant) {
        self.instant = instant
    }

    /// - Parameter timeout: How long from `now`; `nil` for no deadline.
    public init(after timeout: Duration?, now: Instant) {
        instant = timeout.map { now + $0 } ?? .distantFuture
    }

    /// This deadline, or the end of `timeout` if that is earlier.
    public func limited(to timeout: Duration?, now: Instant) -> Deadline {
        min(self, Deadline(after: timeout, now: now))
    }

    /// The time left: never negative, and `nil` when there is no deadline.
    public func remaining(now: Instant) -> Duration? {
        self == .none ? nil : max(.zero, instant - now)
    }

    /// Whether there is no time left at `now`.
    public func isPassed(now: Instant) -> Bool {
        self != .none && now >= instant
    }

    public static func < (left: Deadline, right: Deadline) -> Bool { left.instant < right.instant }
}

/// The deadline has passed, or what is left of it is less than its text can say: the call is not to be sent.
public struct DeadlinePassed: Error, Hashable, CustomStringConvertible {
    /// It carries nothing: when it is thrown, nothing has been sent.
    public init() {}

    public var description: String { "the deadline of the call has passed before it was sent" }
}

extension Deadline {
    /// Units of gRPC's `grpc-timeout`, the longest first.
    private static let units: [(letter: UInt8, length: Duration)] = [
        (UInt8(ascii: "H"), .seconds(3600)), (UInt8(ascii: "M"), .seconds(60)), (UInt8(ascii: "S"), .seconds(1)),
        (UInt8(ascii: "m"), .milliseconds(1)), (UInt8(ascii: "u"), .microseconds(1)),
        (UInt8(ascii: "n"), .nanoseconds(1)),
    ]

    /// Reads the value of a `grpc-timeout` header: one to eight digits and a unit (`H`, `M`, `S`, `m`, `u`, `n`).
    /// `nil` when it is anything else.
    ///
    /// - Parameter now: When the header was received.
    public init?(grpcTimeout text: String, now: Instant) {
        let bytes = text.utf8
        guard let last = bytes.last, let unit = Self.units.first(where: { $0.letter == last }),
            let count = Self.number(bytes.dropLast(), digitsMax: 8)
        else { return nil }
        self.init(now + unit.length * count)
    }

    /// The value of the `grpc-timeout` header of a call that is sent now; `nil` when there is no deadline.
    public func grpcTimeout(now: Instant) throws(DeadlinePassed) -> String? {
        guard let remaining = remaining(now: now) else { return nil }
        let nanoseconds = remaining.wholeNanoseconds
        guard nanoseconds > 0 else { throw DeadlinePassed() }
        // The shortest unit in which the number has at most eight digits.
        for unit in Self.units.reversed() {
            let count = nanoseconds / unit.length.wholeNanoseconds
            if count < 100_000_000 { return "\(count)\(Character(UnicodeScalar(unit.letter)))" }
        }
        return nil
    }

    /// Reads a time-out in whole milliseconds (as in Envoy's `x-envoy-expected-rq-timeout-ms`), up to 15 digits. `nil`
    /// when it is anything else. Zero is a deadline that has passed.
    ///
    /// - Parameter now: When the header was received.
    public init?(milliseconds text: String, now: Instant) {
        guard let count = Self.number(text.utf8[...], digitsMax: 15) else { return nil }
        self.init(now + .milliseconds(count))
    }

    /// The time left in whole milliseconds for a call that is sent now, never "0", which some servers take for no
    /// deadline; `nil` when there is no deadline.
    public func milliseconds(now: Instant) throws(DeadlinePassed) -> String? {
        guard let remaining = remaining(now: now) else { return nil }
        guard remaining.wholeMilliseconds > 0 else { throw DeadlinePassed() }
        return String(remaining.wholeMilliseconds)
    }

    private static func number(_ digits: Substring.UTF8View, digitsMax: Int) -> Int? {
        guard (1 ... digitsMax).contains(digits.count) else { return nil }
        var number = 0
        for digit in digits {
            guard (UInt8(ascii: "0") ... UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return number
    }
}
