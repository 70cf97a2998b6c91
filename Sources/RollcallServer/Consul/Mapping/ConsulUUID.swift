// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Identifiers of nodes, sessions, events and queries, as Consul makes them: 128 random bits, not of any version of
/// RFC 9562.
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

    /// Whether a text has the form of an identifier.
    static func isValid(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [8, 4, 4, 4, 12] && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
