// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@Suite("The stable hash")
struct StableHashTests {
    @Test("is XXH64", arguments: [
        ("", 0, 0xEF46_DB37_51D8_E999), ("a", 0, 0xD24E_C4F1_A98C_6E5B), ("abc", 0, 0x44BC_2CF5_AD77_0999),
        ("Nobody inspects the spammish repetition", 0, 0xFBCE_A83C_8A37_8BF1),
        ("The quick brown fox jumps over the lazy dog", 0, 0x0B24_2D36_1FDA_71BC),
    ] as [(String, UInt64, UInt64)])
    func vectors(text: String, seed: UInt64, expected: UInt64) {
        #expect(StableHash.of(text, seed: seed) == expected)
    }
}
