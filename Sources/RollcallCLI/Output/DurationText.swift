// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// Durations as people write them: one or more whole or decimal numbers with a unit, the greatest unit first: `30s`,
/// `500ms`, `1m30s`, `2h`, `1.5s`. `0` needs no unit.
enum DurationText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1000), ("ns", 1),
    ]

    /// - Returns: The duration, or nil when `text` is not one, has a fraction below one nanosecond or is more than 292
    ///   years.
    static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var rest = text.utf8[...]
        var total: Int64 = 0
        var firstUnit = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { isDigit($0) || $0 == UInt8(ascii: ".") }
            rest = rest[number.endIndex...]
            let name = rest.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") }
            rest = rest[name.endIndex...]
            guard
                let unit = units.indices.first(where: { units[$0].name.utf8.elementsEqual(name) }), unit >= firstUnit,
                let part = nanoseconds(of: number, unit: units[unit].nanoseconds)
            else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            if overflow { return nil }
            total = sum
            firstUnit = unit + 1
        }
        return .nanoseconds(total)
    }

    /// The shortest text that `parse` reads back as this duration: `1m30s`, `500ms`. A negative one has a minus sign.
    static func format(_ duration: Duration) -> String {
        let nanoseconds = duration.wholeNanoseconds
        guard nanoseconds != 0 else { return "0s" }
        var rest = nanoseconds.magnitude
        var text = nanoseconds < 0 ? "-" : ""
        for (name, size) in units {
            let count = rest / size.magnitude
            if count > 0 { text += "\(count)\(name)" }
            rest %= size.magnitude
        }
        return text
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0") ... UInt8(ascii: "9")).contains(byte) }

    private static func nanoseconds(of number: Substring.UTF8View, unit: Int64) -> Int64? {
        let parts = number.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Int64(String(decoding: parts[0], as: UTF8.self)) else { return nil }
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: unit)
        if overflow { return nil }
        guard parts.count == 2 else { return scaled }
        guard !parts[1].isEmpty else { return nil }
        var fraction: Int64 = 0
        var digit = unit
        for byte in parts[1] {
            let value = Int64(byte - UInt8(ascii: "0"))
            guard digit % 10 == 0 || value == 0 else { return nil }
            digit /= 10
            fraction += digit * value
        }
        let (sum, sumOverflow) = scaled.addingReportingOverflow(fraction)
        return sumOverflow ? nil : sum
    }
}

extension Duration {
    /// This duration for a person: `1m30s`, `500ms`.
    var brief: String { DurationText.format(self) }
}
