// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import Testing

@Suite("JSON of random content")
struct JSONPropertyTests {
    @Test("What is written reads back equal", arguments: [1, 2, 3, 4] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        for round in 0 ..< 2_000 {
            let value = source.value(depth: 5)
            let bytes = source.bytes(of: value)
            let parsed = try JSONValue.parse(bytes)
            #expect(parsed == value, "seed \(seed), round \(round)")
            let raw = try JSONReader.read(bytes) { reader throws(JSONError) in try reader.rawValue() }
            #expect(raw == bytes, "seed \(seed), round \(round)")
        }
    }

    @Test("Every floating point number reads back to the last bit", arguments: [5, 6] as [UInt64])
    func doubles(seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        for round in 0 ..< 20_000 {
            let value = source.double()
            var writer = JSONWriter()
            writer.number(value)
            let parsed = try JSONReader.read(writer.bytes) { reader throws(JSONError) in try reader.double() }
            #expect(parsed.bitPattern == value.bitPattern, "seed \(seed), round \(round)")
        }
    }

    @Test("Decimal fractions read as the compiler's library reads them", arguments: [7] as [UInt64])
    func decimals(seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        for round in 0 ..< 20_000 {
            var text = "\(source.below(2) == 0 ? "-" : "")\(source.next() >> UInt64(source.below(64)))"
            if source.below(2) == 0 { text += ".\(source.next() >> UInt64(source.below(64)))" }
            if source.below(2) == 0 { text += "e\(source.below(60) - 30)" }
            let parsed = try JSONReader.read(Array(text.utf8)) { reader throws(JSONError) in try reader.double() }
            #expect(parsed == Double(text), "seed \(seed), round \(round): \(text)")
        }
    }

    @Test("Foundation reads the same out of the same text", arguments: [8, 9] as [UInt64])
    func foundation(seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        source.allowsRepeatedNames = false
        for round in 0 ..< 1_000 {
            let bytes = source.bytes(of: source.value(depth: 4), spaced: true)
            let expected = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            #expect(try matches(JSONValue.parse(bytes), expected), "seed \(seed), round \(round)")
        }
    }

    private func matches(_ value: JSONValue, _ other: Any) -> Bool {
        switch value {
        case .null: other is NSNull
        case .bool(let value): other as? Bool == value
        case .integer(let value): (other as? NSNumber)?.int64Value == value
        case .number(let value):
            // Foundation reads long numbers by way of Decimal, which is off in the last bits.
            (other as? NSNumber).map { abs($0.doubleValue - value) <= abs(value) * 1e-14 } ?? false
        case .string(let value): other as? String == value
        case .array(let elements):
            (other as? [Any]).map {
                $0.count == elements.count && zip(elements, $0).allSatisfy { matches($0, $1) }
            } ?? false
        case .object(let members):
            (other as? [String: Any]).map { others in
                others.count == members.count
                    && members.allSatisfy { member in others[member.key].map { matches(member.value, $0) } ?? false }
            } ?? false
        }
    }

    @Test("A text cut short is refused at every byte")
    func truncation() throws {
        let text = Array(#" {"a":[1,-2.5e3,"é\n\ud834\udd1e€ plain text"],"b":{"c":null,"d":true},"e":"x"}"#.utf8)
        #expect(throws: Never.self) { try JSONValue.parse(text) }
        for length in 0 ..< text.count {
            let error = try #require(throws: JSONError.self) { try JSONValue.parse(Array(text[..<length])) }
            #expect(error.offset <= length)
            #expect(throws: JSONError.self) {
                try JSONReader.read(Array(text[..<length])) { reader throws(JSONError) in try reader.skip() }
            }
        }
    }

    @Test(
        "Damaged texts give a value or an error, the same whether read or skipped", arguments: [10, 11, 12] as [UInt64])
    func mutation(seed: UInt64) throws {
        var source = RandomJSON(seed: seed)
        var refused = 0
        for round in 0 ..< 20_000 {
            var bytes = source.bytes(of: source.value(depth: 3), spaced: true)
            for _ in 0 ... source.below(3) { source.damage(&bytes) }
            let parsed = Result { try JSONValue.parse(bytes) }
            let raw = Result {
                try JSONReader.read(bytes) { reader throws(JSONError) in try reader.rawValue() }
            }
            switch (parsed, raw) {
            case (.success(let value), .success):
                #expect(try JSONValue.parse(source.bytes(of: value)) == value, "seed \(seed), round \(round)")
            case (.failure(let error as JSONError), .success):
                // Skipping checks the grammar of numbers, not their range.
                #expect(error.message.contains("range"), "seed \(seed), round \(round): \(error)")
            case (.failure(let error as JSONError), .failure(let other as JSONError)):
                refused += 1
                #expect((0 ... bytes.count).contains(error.offset), "seed \(seed), round \(round)")
                #expect(
                    error.offset == other.offset || error.message.contains("range"),
                    "seed \(seed), round \(round): \(error)")
            default:
                Issue.record("seed \(seed), round \(round): read \(parsed), skipped \(raw)")
            }
        }
        #expect(refused > 1_000)
    }
}
