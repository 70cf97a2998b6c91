// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Identifiers of sessions, events and queries: 128 random bits, written as Consul writes them.
enum ConsulUUID {
    static func random() -> String { text(.random(in: 0 ... .max), .random(in: 0 ... .max)) }

    /// - Parameters:
    ///   - high: The first half of the text.
    ///   - low: The second half.
    static func text(_ high: UInt64, _ low: UInt64) -> String {
        let digits = hexadecimal(high) + hexadecimal(low)
        var text = ""
        for (offset, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(offset) { text.append("-") }
            text.append(digit)
        }
        return text
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
