// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("The table of keys")
struct KeyTableTests {
    @Test("holds, finds and lists as a dictionary that is sorted each time", arguments: 0..<12 as Range<UInt64>)
    func sequences(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = KeyTable<Tombstone>()
        var model: [KVKey: UInt64] = [:]
        let parts = ["a", "b", "\u{e9}", "e\u{301}", "/", "a/", "zz", "\u{10FFFF}"]
        func randomKey(_ random: inout SeededGenerator) -> KVKey {
            let count = Int.random(in: 0...6, using: &random)
            return KVKey((0..<count).map { _ in parts.randomElement(using: &random) ?? "" }.joined())
        }
        let isGrowing = Bool.random(using: &random)
        for step in 1...2500 {
            let key = randomKey(&random)
            if Int.random(in: 0..<400, using: &random) == 0 {
                let prefix = KVKey(String(key.text.prefix(Int.random(in: 1...3, using: &random))))
                table.removeAll(under: prefix)
                model = model.filter { !$0.key.hasPrefix(prefix) }
            } else if Int.random(in: 0..<10, using: &random) < (isGrowing || step < 1500 ? 8 : 1) {
                table.set(Tombstone(modifyIndex: UInt64(step)), for: key)
                model[key] = UInt64(step)
            } else {
                #expect(table.remove(key)?.modifyIndex == model.removeValue(forKey: key), "seed \(seed)")
            }
            guard step % 500 == 0 else { continue }
            #expect(table.count == model.count, "seed \(seed)")
            for prefix in [randomKey(&random), KVKey("a"), KVKey("")] {
                let expected = model.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }
                let listed = table.entries(under: prefix)
                #expect(listed.map(\.key) == expected.map(\.key), "seed \(seed), \(prefix)")
                #expect(listed.map(\.value.modifyIndex) == expected.map(\.value), "seed \(seed), \(prefix)")
                let highest = expected.map(\.value).max() ?? 0
                #expect(table.highestIndex(under: prefix) == highest, "seed \(seed), \(prefix)")
                for separator in ["/", "a/", "b", ""] {
                    let cut = cutKeys(expected.map(\.key), prefix, separator)
                    let comment: Comment = "seed \(seed), \(prefix), \(separator)"
                    #expect(table.keys(under: prefix, separator: separator) == cut, comment)
                }
            }
            for key in model.keys.prefix(20) { #expect(table[key]?.modifyIndex == model[key], "seed \(seed)") }
        }
    }

    /// As Consul describes it: each key is cut after the first separator, and repetitions are left out.
    private func cutKeys(_ keys: [KVKey], _ prefix: KVKey, _ separator: String) -> [KVKey] {
        var seen: Set<KVKey> = []
        return keys.compactMap { key in
            guard let cut = key.cut(after: prefix.text.utf8.count, at: separator) else { return key }
            return seen.insert(cut).inserted ? cut : nil
        }
    }

    @Test("removes what is under a prefix, over many chunks and at the edges of them")
    func removals() {
        var full = KeyTable<Tombstone>()
        for number in 0..<3000 { full.set(Tombstone(modifyIndex: 1), for: KVKey("\(number / 100)/\(number)")) }
        for prefix in ["", "1", "2", "9/", "29/2999", "x", "0/"] as [KVKey] {
            var table = full
            table.removeAll(under: prefix)
            let kept = full.entries(under: "").map(\.key).filter { !$0.hasPrefix(prefix) }
            #expect(table.entries(under: "").map(\.key) == kept)
            #expect(table.count == kept.count)
        }
    }

    @Test("is a value: a copy stays as it was")
    func copies() {
        var table = KeyTable<Tombstone>()
        for number in 0..<1000 { table.set(Tombstone(modifyIndex: 1), for: KVKey("key-\(number)")) }
        let copy = table
        for number in 0..<1000 where number % 3 == 0 { table.remove(KVKey("key-\(number)")) }
        #expect(copy.count == 1000 && copy.entries(under: "").count == 1000)
        #expect(table.count == 666 && table.entries(under: "").count == 666)
    }
}

@Suite("Base 64")
struct Base64Tests {
    @Test("is read back as it was written")
    func roundTrip() {
        var random = SeededGenerator(seed: 5)
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(Base64.bytes(of: Base64.text(of: bytes)) == bytes)
        }
        #expect(Base64.text(of: Array("hello".utf8)) == "aGVsbG8=")
        #expect(Base64.bytes(of: "aGVs\nbG8=\r\n") == Array("hello".utf8))
    }

    @Test(
        "is refused when it is not", arguments: ["a", "aGVsbG8", "aGVsbG8==", "=", "a===", "aG=s", "aG!s", "aGVsbG8=a"])
    func refused(_ text: String) { #expect(Base64.bytes(of: text) == nil) }
}
