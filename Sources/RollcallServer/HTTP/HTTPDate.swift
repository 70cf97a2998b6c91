// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// The `Date` header field (RFC 9110 section 5.6.7), made once a second.
struct HTTPDate {
    /// `date: Sun, 06 Nov 1994 08:49:37 GMT` and a line end.
    private(set) var line = ByteBuffer()
    private var validUntil = Instant(nanoseconds: .min)

    mutating func refresh(now: Instant, wallTime: () -> WallTime) {
        guard now >= validUntil else { return }
        let milliseconds = max(wallTime().millisecondsSinceEpoch, 0)
        line = ByteBuffer(string: "date: " + Self.format(secondsSinceEpoch: milliseconds / 1000) + "\r\n")
        validUntil = now + .milliseconds(1000 - milliseconds % 1000)
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, for times from 1970 on.
    static func format(secondsSinceEpoch: Int64) -> String {
        let days = secondsSinceEpoch / 86_400
        let second = secondsSinceEpoch % 86_400
        // The calendar of H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(weekdays[Int(days % 7)]), \(two(day)) \(months[Int(month - 1)]) \(year) "
            + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
