// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Durations as Go writes and reads them (`1m30s`, `120000ms`), which is how they stand in Consul's JSON and queries.
public enum GoDuration {
    /// Why a text is no duration, in Go's words.
    public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    private static let units: [(name: String, nanoseconds: Double)] = [
        ("ns", 1), ("us", 1e3), ("µs", 1e3), ("μs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 60e9), ("h", 3600e9),
    ]

    /// Reads a duration: decimal numbers, each with its unit, and one sign before all of them.
    public static func parse(_ text: String) throws(Failure) -> Duration {
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        if rest == "0" { return .zero }
        guard !rest.isEmpty else { throw Failure(description: "time: invalid duration \"\(text)\"") }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(number.count)
            guard let value = Double(number), number != "." else {
                throw Failure(description: "time: invalid duration \"\(text)\"")
            }
            let unit = rest.prefix { !($0.isASCII && $0.isNumber || $0 == ".") }
            rest = rest.dropFirst(unit.count)
            guard !unit.isEmpty else { throw Failure(description: "time: missing unit in duration \"\(text)\"") }
            guard let scale = units.first(where: { $0.name == unit })?.nanoseconds else {
                throw Failure(description: "time: unknown unit \"\(unit)\" in duration \"\(text)\"")
            }
            total += value * scale
        }
        guard total < 9.2e18 else { throw Failure(description: "time: invalid duration \"\(text)\"") }
        return .nanoseconds(Int64(isNegative ? -total : total))
    }

    /// The text of a duration: `0s`, `1.5s`, `2m0s`, `250ms`.
    public static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let (scaled, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let fraction = attoseconds / 1_000_000_000
        let nanoseconds = isTooLong ? Int64.max : scaled.addingReportingOverflow(fraction).partialValue
        let sign = nanoseconds < 0 ? "-" : ""
        let magnitude = nanoseconds.magnitude
        switch magnitude {
        case 0: return "0s"
        case ..<1000: return "\(sign)\(magnitude)ns"
        case ..<1_000_000: return "\(sign)\(decimal(magnitude, 1000))µs"
        case ..<1_000_000_000: return "\(sign)\(decimal(magnitude, 1_000_000))ms"
        default:
            let minutes = magnitude / 60_000_000_000
            let rest = decimal(magnitude % 60_000_000_000, 1_000_000_000)
            if minutes == 0 { return "\(sign)\(rest)s" }
            return minutes < 60 ? "\(sign)\(minutes)m\(rest)s" : "\(sign)\(minutes / 60)h\(minutes % 60)m\(rest)s"
        }
    }

    private static func decimal(_ value: UInt64, _ unit: UInt64) -> String {
        guard value % unit != 0 else { return String(value / unit) }
        var digits = String(value % unit + unit).dropFirst()
        while digits.last == "0" { digits.removeLast() }
        return "\(value / unit).\(digits)"
    }
}
