// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// An address as records hold it.
public enum IPAddress: Sendable, Hashable {
    /// The four bytes, the first one highest.
    case v4(UInt32)
    /// The first eight bytes and the last eight, the first one of each highest.
    case v6(UInt64, UInt64)

    /// Reads `192.0.2.1` or an IPv6 address in one of the forms of RFC 4291, section 2.2. An IPv4 address that is
    /// written as an IPv6 one (`::ffff:192.0.2.1`) is an IPv4 address, as it is in Consul.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        if let address = Self.v4(bytes[...]) {
            self = .v4(address)
        } else if let (high, low) = Self.v6(bytes) {
            self = high == 0 && low >> 32 == 0xFFFF ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high, low)
        } else {
            return nil
        }
    }

    /// The address in network order: 4 or 16 bytes.
    public init?(bytes: some Collection<UInt8>) {
        let words = bytes.reduce(into: (UInt64(0), UInt64(0))) { words, byte in
            words = (words.0 << 8 | words.1 >> 56, words.1 << 8 | UInt64(byte))
        }
        switch bytes.count {
        case 4: self = .v4(UInt32(truncatingIfNeeded: words.1))
        case 16: self = .v6(words.0, words.1)
        default: return nil
        }
    }

    /// In network order: 4 or 16 bytes.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let word): (0 ..< 4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
        case .v6(let high, let low):
            (0 ..< 16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * ($0 % 8))) }
        }
    }

    private static func v4(_ text: ArraySlice<UInt8>) -> UInt32? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var word: UInt32 = 0
        for part in parts {
            guard (1 ... 3).contains(part.count), part.count == 1 || part.first != UInt8(ascii: "0") else { return nil }
            var value: UInt32 = 0
            for digit in part {
                guard (0x30 ... 0x39).contains(digit) else { return nil }
                value = value * 10 + UInt32(digit - 0x30)
            }
            guard value <= 255 else { return nil }
            word = word << 8 | value
        }
        return word
    }

    private static func v6(_ text: [UInt8]) -> (UInt64, UInt64)? {
        guard text.count <= 45 else { return nil }
        var gap: Int?
        for index in text.indices.dropLast()
        where text[index] == UInt8(ascii: ":") && text[index + 1] == UInt8(ascii: ":") {
            guard gap == nil else { return nil }
            gap = index
        }
        guard let gap else {
            guard let groups = groups(text[...]), groups.count == 8 else { return nil }
            return words(groups)
        }
        guard let head = groups(text[..<gap]), let tail = groups(text[(gap + 2)...]), head.count + tail.count < 8
        else { return nil }
        return words(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
    }

    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var groups: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let word = v4(part) else { return nil }
                groups += [UInt16(word >> 16), UInt16(truncatingIfNeeded: word)]
            } else {
                guard (1 ... 4).contains(part.count), let value = hex(part) else { return nil }
                groups.append(UInt16(truncatingIfNeeded: value))
            }
        }
        return groups
    }

    private static func words(_ groups: [UInt16]) -> (UInt64, UInt64) {
        let pack = { (groups: ArraySlice<UInt16>) in groups.reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        return (pack(groups[..<4]), pack(groups[4...]))
    }

    /// The number of at most 16 hexadecimal digits.
    static func hex(_ digits: some Collection<UInt8>) -> UInt64? {
        guard !digits.isEmpty, digits.count <= 16 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30 ... 0x39: value = value << 4 | UInt64(digit - 0x30)
            case 0x41 ... 0x46, 0x61 ... 0x66: value = value << 4 | UInt64((digit | 0x20) - 0x57)
            default: return nil
            }
        }
        return value
    }

    /// All digits of the address in hexadecimal: 8 or 32 of them.
    public var hexDigits: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The address of 8 or 32 hexadecimal digits.
    public init?(hexDigits digits: some BidirectionalCollection<UInt8>) {
        switch digits.count {
        case 8:
            guard let word = Self.hex(digits) else { return nil }
            self = .v4(UInt32(truncatingIfNeeded: word))
        case 32:
            guard let high = Self.hex(digits.prefix(16)), let low = Self.hex(digits.suffix(16)) else { return nil }
            self = .v6(high, low)
        default: return nil
        }
    }

    /// The address that a name below `in-addr.arpa` (RFC 1035, section 3.5) or `ip6.arpa` (RFC 3596, section 2.5) is
    /// for; `nil` when it names none.
    public init?(reverse name: DomainName) {
        let labels = name.labels.map { label in label.map(dnsFolded) }
        guard labels.count > 2, labels[labels.count - 1].elementsEqual("arpa".utf8) else { return nil }
        let parts = labels.dropLast(2)
        if labels[labels.count - 2].elementsEqual("in-addr".utf8) {
            let text = Array(parts.reversed().joined(separator: [UInt8(ascii: ".")]))
            guard let word = Self.v4(text[...]) else { return nil }
            self = .v4(word)
        } else if labels[labels.count - 2].elementsEqual("ip6".utf8) {
            guard parts.count == 32, parts.allSatisfy({ $0.count == 1 }) else { return nil }
            self.init(hexDigits: parts.reversed().map { $0[0] })
        } else {
            return nil
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// IPv6 in the form of RFC 5952: lower case, without leading zeros, the longest run of zero groups left out.
    public var description: String {
        guard case .v6(let high, let low) = self else { return bytes.map(String.init).joined(separator: ".") }
        let groups = (0 ..< 8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * ($0 % 4))) }
        var longest = 0 ..< 0
        var start = 0
        for index in 0 ... 8 where index == 8 || groups[index] != 0 {
            if index - start > max(longest.count, 1) { longest = start ..< index }
            start = index + 1
        }
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !longest.isEmpty else { return text(groups[...]) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }
}
