// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Durations as Go writes and reads them (`1m30s`, `120000ms`), which is how they stand in Consul's JSON and queries.
public enum GoDuration {
    /// Why a text is no duration, in Go's words.
    public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        public let description: String
    }

    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
        ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ]

    /// Reads a duration: decimal numbers, each with its unit, and one sign before all of them.
    public static func parse(_ text: String) throws(Failure) -> Duration {
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        if rest == "0" { return .zero }
        let invalid = Failure(description: "time: invalid duration \"\(text)\"")
        guard !rest.isEmpty else { throw invalid }
        var total: Int64 = 0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest.dropFirst(number.count)
            if number.isEmpty || number == "." { throw invalid }
            let unit = rest.prefix { !($0.isASCII && $0.isNumber || $0 == ".") }
            rest = rest.dropFirst(unit.count)
            guard !unit.isEmpty else { throw Failure(description: "time: missing unit in duration \"\(text)\"") }
            guard let scale = units.first(where: { $0.name == unit })?.nanoseconds else {
                throw Failure(description: "time: unknown unit \"\(unit)\" in duration \"\(text)\"")
            }
            guard let part = nanoseconds(number, scale) else { throw invalid }
            let (sum, isTooLong) = total.addingReportingOverflow(part)
            if isTooLong { throw invalid }
            total = sum
        }
        return .nanoseconds(isNegative ? -total : total)
    }

    /// A decimal number of units, exactly, without what is less than a nanosecond; `nil` for one that is none or too
    /// large.
    private static func nanoseconds(_ number: Substring, _ unit: Int64) -> Int64? {
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Int64("0\(parts[0])") else { return nil }
        let (total, isTooLong) = whole.multipliedReportingOverflow(by: unit)
        // Digits beyond the eighteenth are less than a nanosecond of any unit.
        let digits = parts.count == 2 ? parts[1].prefix(18) : ""
        guard let fraction = Int64("0\(digits)") else { return nil }
        let scale = (0 ..< digits.count).reduce(Int64(1)) { scale, _ in scale * 10 }
        let (sum, isTooLongInAll) = total.addingReportingOverflow(
            scale.dividingFullWidth(fraction.multipliedFullWidth(by: unit)).quotient)
        return isTooLong || isTooLongInAll ? nil : sum
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
