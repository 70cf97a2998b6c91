// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall

/// Makes JSON values and texts from a seed, and damages texts.
struct RandomJSON: RandomNumberGenerator {
    /// Whether an object may name a member twice.
    var allowsRepeatedNames = true
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

    mutating func value(depth: Int) -> JSONValue {
        switch below(depth > 0 ? 9 : 6) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .integer(Int64(bitPattern: next()) >> Int64(below(64)))
        case 3: return .number(double())
        case 4, 5: return .string(string())
        case 6: return .array((0 ..< below(5)).map { _ in value(depth: depth - 1) })
        default:
            var members: [JSONMember] = []
            for _ in 0 ..< below(6) {
                let key = string()
                if !allowsRepeatedNames, members.contains(where: { $0.key == key }) { continue }
                members.append(JSONMember(key: key, value: value(depth: depth - 1)))
            }
            return .object(members)
        }
    }

    /// A finite number: any bit pattern, or one with few digits.
    mutating func double() -> Double {
        let any = Double(bitPattern: next())
        return any.isFinite && below(2) == 0 ? any : Double(below(2_000_001) - 1_000_000) / 1000
    }

    /// Text up to 40 characters with a share of those that need an escape or several bytes.
    mutating func string() -> String {
        var text = String.UnicodeScalarView()
        for _ in 0 ..< below(41) {
            let code =
                switch below(12) {
                case 0: UInt32(below(0x20))
                case 1: [0x22, 0x5C, 0x2F, 0x7F][below(4)] as UInt32
                case 2: UInt32(0x80 + below(0x780))
                case 3: UInt32(0x800 + below(0xF800))
                case 4: UInt32(0x10000 + below(0x100000))
                default: UInt32(0x20 + below(0x5F))
                }
            text.append(UnicodeScalar(code) ?? "x")
        }
        return String(text)
    }

    /// The text of `value`; `spaced` puts white space between its tokens.
    mutating func bytes(of value: JSONValue, spaced: Bool = false) -> [UInt8] {
        var writer = JSONWriter()
        value.write(to: &writer)
        guard spaced else { return writer.bytes }
        var result: [UInt8] = []
        var isInString = false
        var isEscaped = false
        for byte in writer.bytes {
            let isStructure = !isInString && [0x7B, 0x7D, 0x5B, 0x5D, 0x2C, 0x3A].contains(byte)
            if isStructure { space(&result) }
            result.append(byte)
            if isStructure { space(&result) }
            if byte == 0x22, !isEscaped { isInString.toggle() }
            isEscaped = byte == 0x5C && !isEscaped
        }
        return result
    }

    private mutating func space(_ bytes: inout [UInt8]) {
        for _ in 0 ..< max(0, below(6) - 3) { bytes.append([0x20, 0x09, 0x0A, 0x0D][below(4)]) }
    }

    /// Changes, inserts, removes, repeats or cuts a part of `bytes`.
    mutating func damage(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(below(256))) }
        let index = below(bytes.count)
        let telling = Array(#"{}[]",:\u-+.eE0123456789dDcC tfn"#.utf8)
        switch below(7) {
        case 0: bytes[index] = UInt8(below(256))
        case 1: bytes[index] ^= 1 << UInt8(below(8))
        case 2: bytes[index] = telling[below(telling.count)]
        case 3: bytes.insert(telling[below(telling.count)], at: index)
        case 4: bytes.remove(at: index)
        case 5: bytes.insert(contentsOf: bytes[index ..< min(bytes.count, index + below(20))], at: index)
        default: bytes.removeSubrange(index...)
        }
    }
}
