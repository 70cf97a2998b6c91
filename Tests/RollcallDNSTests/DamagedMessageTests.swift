// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import RollcallDNS
import RollcallTesting
import Testing

@Suite("Damaged DNS messages")
struct DamagedMessageTests {
    /// Messages for each test; `ROLLCALL_FUZZ_COUNT` in the environment asks for more.
    static let count = ProcessInfo.processInfo.environment["ROLLCALL_FUZZ_COUNT"].flatMap { Int($0) } ?? 20_000

    /// A message with some bytes changed, cut out, put in, or pointers put in.
    static func damaged(_ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = generator.message().encoded()
        for _ in 0 ..< Int.random(in: 1 ... 6, using: &generator) {
            guard let place = bytes.indices.randomElement(using: &generator) else { break }
            switch Int.random(in: 0 ... 5, using: &generator) {
            case 0: bytes[place] = .random(in: 0 ... 255, using: &generator)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0 ... 7, using: &generator)
            case 2: bytes.removeSubrange(place ..< min(bytes.count, place + 3))
            case 3: bytes.insert(contentsOf: generator.bytes(0 ... 4), at: place)
            case 4: bytes.removeLast(bytes.count - place)
            default:
                bytes[place] = 0xC0 | .random(in: 0 ... 1, using: &generator)
                if place + 1 < bytes.count { bytes[place + 1] = .random(in: 0 ... 255, using: &generator) }
            }
        }
        return bytes
    }

    @Test("they are read or refused, both readers agree, and what was read can be written")
    func damage() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        var taken = 0
        for index in 0 ..< Self.count {
            let bytes = Self.damaged(&generator)
            let message = try? Message(parsing: bytes)
            let outcome = bytes.withUnsafeBytes(QueryHead.read)
            guard let message else { continue }
            taken += 1
            let again = try Message(parsing: message.encoded())
            // The options and the strings of one that was read can always be written again.
            #expect(again.questions == message.questions, "seed \(seed), message \(index): \(bytes)")
            guard !message.flags.isResponse else {
                #expect(outcome == .ignored, "seed \(seed), message \(index): \(bytes)")
                continue
            }
            // The strict reader follows pointers that the other one steps over: what it takes, the other one takes too,
            // unless the first question's name or the place of the OPT record are not what a query has.
            guard case .query(let head) = outcome else { continue }
            #expect(head.id == message.id && head.flags == message.flags, "seed \(seed), message \(index): \(bytes)")
            #expect(head.type == message.questions.first?.type ?? head.type, "seed \(seed), message \(index): \(bytes)")
            #expect(
                head.edns?.payloadSize == message.edns?.payloadSize, "seed \(seed), message \(index): \(bytes)")
        }
        #expect(taken > 0, "seed \(seed)")
    }

    @Test("bytes without any meaning do no harm")
    func noise() {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0 ..< Self.count {
            var bytes = generator.bytes(0 ... 80)
            // Small counts, so that the readers get beyond the header.
            for place in stride(from: 4, to: min(12, bytes.count), by: 2) { bytes[place] = 0 }
            _ = try? Message(parsing: bytes)
            if case .query(let head) = bytes.withUnsafeBytes(QueryHead.read) {
                #expect(QueryHead.nameOffset + head.nameBytes <= bytes.count, "seed \(seed): \(bytes)")
                #expect((head.edns?.options.upperBound ?? 0) <= bytes.count, "seed \(seed): \(bytes)")
            }
        }
    }

    @Test("a message full of pointers is read in time that its size bounds")
    func pointers() {
        // Each name is a label and a pointer to the name before: the longest work that 65,535 bytes can ask for.
        var bytes: [UInt8] = [0, 1, 0, 0, 0x1F, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
        var last = 12
        while bytes.count + 8 <= 65_535 {
            let here = bytes.count
            bytes += [1, 97, 0xC0 | UInt8(truncatingIfNeeded: last >> 8), UInt8(truncatingIfNeeded: last), 0, 1, 0, 1]
            if here < 0x3FFF { last = here }
        }
        #expect(throws: DNSFormatError.self) { try Message(parsing: bytes) }
        if case .ignored = bytes.withUnsafeBytes(QueryHead.read) { Issue.record("it is a query") }
    }
}
