// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Base 64 with the standard alphabet and padding (RFC 4648, section 4), as Go's JSON writes bytes.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")
    /// By byte; 64 for what is no digit.
    private static let digits: [UInt8] = {
        var digits = [UInt8](repeating: 64, count: 256)
        for (value, byte) in alphabet.enumerated() { digits[Int(byte)] = UInt8(value) }
        return digits
    }()

    static func text(of bytes: [UInt8]) -> String {
        let alphabet = alphabet
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { out in
            var position = 0
            var index = 0
            while index < bytes.count {
                let rest = bytes.count - index
                let word =
                    UInt32(bytes[index]) << 16 | (rest > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
                    | (rest > 2 ? UInt32(bytes[index + 2]) : 0)
                out[position] = alphabet[Int(word >> 18)]
                out[position + 1] = alphabet[Int(word >> 12 & 63)]
                out[position + 2] = rest > 1 ? alphabet[Int(word >> 6 & 63)] : padding
                out[position + 3] = rest > 2 ? alphabet[Int(word & 63)] : padding
                position += 4
                index += 3
            }
            return position
        }
    }

    /// The bytes of a text; `nil` when it is not base 64. Line breaks are passed over, as Go does.
    static func bytes(of text: String) -> [UInt8]? {
        let digits = digits
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var word: UInt32 = 0
        var count = 0
        var padded = 0
        for byte in text.utf8 where byte != 0x0A && byte != 0x0D {
            if byte == padding, count >= 2, count + padded < 4 {
                padded += 1
                continue
            }
            let digit = digits[Int(byte)]
            guard digit < 64, padded == 0 else { return nil }
            word = word << 6 | UInt32(digit)
            count += 1
            if count == 4 {
                bytes += [UInt8(truncatingIfNeeded: word >> 16), UInt8(truncatingIfNeeded: word >> 8)]
                bytes.append(UInt8(truncatingIfNeeded: word))
                (word, count) = (0, 0)
            }
        }
        switch (count, padded) {
        case (0, 0): return bytes
        case (2, 2): bytes.append(UInt8(truncatingIfNeeded: word >> 4))
        case (3, 1):
            bytes.append(UInt8(truncatingIfNeeded: word >> 10))
            bytes.append(UInt8(truncatingIfNeeded: word >> 2))
        default: return nil
        }
        return bytes
    }
}
