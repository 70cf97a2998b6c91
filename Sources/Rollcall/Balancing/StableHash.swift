// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Hashes that are the same in every process, so that all callers agree on the instance for a key.
public enum StableHash {
    /// The XXH64 (Collet, seed 0 unless given) of the text's UTF-8 bytes.
    public static func of(_ text: String, seed: UInt64 = 0) -> UInt64 {
        var text = text
        return text.withUTF8 { of($0, seed: seed) }
    }

    /// The XXH64 of these bytes.
    public static func of(_ bytes: UnsafeBufferPointer<UInt8>, seed: UInt64 = 0) -> UInt64 {
        var rest = UnsafeRawBufferPointer(bytes)[...]
        var hash: UInt64
        if rest.count >= 32 {
            var lanes = (seed &+ prime1 &+ prime2, seed &+ prime2, seed, seed &- prime1)
            while rest.count >= 32 {
                lanes.0 = round(lanes.0, word(&rest))
                lanes.1 = round(lanes.1, word(&rest))
                lanes.2 = round(lanes.2, word(&rest))
                lanes.3 = round(lanes.3, word(&rest))
            }
            hash = rotated(lanes.0, 1) &+ rotated(lanes.1, 7) &+ rotated(lanes.2, 12) &+ rotated(lanes.3, 18)
            for lane in [lanes.0, lanes.1, lanes.2, lanes.3] {
                hash = (hash ^ round(0, lane)) &* prime1 &+ prime4
            }
        } else {
            hash = seed &+ prime5
        }
        hash &+= UInt64(bytes.count)
        while rest.count >= 8 {
            hash = rotated(hash ^ round(0, word(&rest)), 27) &* prime1 &+ prime4
        }
        if rest.count >= 4 {
            let half = UInt64(UInt32(littleEndian: rest.loadUnaligned(as: UInt32.self)))
            rest = rest.dropFirst(4)
            hash = rotated(hash ^ (half &* prime1), 23) &* prime2 &+ prime3
        }
        for byte in rest { hash = rotated(hash ^ (UInt64(byte) &* prime5), 11) &* prime1 }
        hash = (hash ^ (hash >> 33)) &* prime2
        hash = (hash ^ (hash >> 29)) &* prime3
        return hash ^ (hash >> 32)
    }

    /// Spreads the bits of `value` (the finalizer of SplitMix64), so that keys that follow each other lie far apart.
    @inline(__always)
    static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private static func word(_ rest: inout Slice<UnsafeRawBufferPointer>) -> UInt64 {
        let word = UInt64(littleEndian: rest.loadUnaligned(as: UInt64.self))
        rest = rest.dropFirst(8)
        return word
    }

    private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
        rotated(lane &+ input &* prime2, 31) &* prime1
    }

    private static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 {
        value << bits | value >> (64 - bits)
    }

    private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
    private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
    private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
    private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
}
