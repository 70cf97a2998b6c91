// SPDX-License-Identifier: Apache-2.0
// Rollcall

@testable import RollcallRemote
import RollcallTesting
import Testing

@Suite("The parser of event streams")
struct EventStreamParserTests {
    typealias Output = EventStreamParser.Output

    private static func parse(_ chunks: [[UInt8]], limit: Int = 1 << 20) throws -> [Output] {
        var parser = EventStreamParser(limit: limit)
        return try chunks.flatMap { try parser.read($0) }
    }

    private static func parse(_ text: String) throws -> [Output] { try parse([Array(text.utf8)]) }

    private static func event(_ data: String, type: String = "message", id: String = "") -> Output {
        .event(StreamEvent(type: type, data: Array(data.utf8), id: id))
    }

    @Test("reads the examples of the standard", arguments: [
        ("data: YHOO\ndata: +2\ndata: 10\n\n", [event("YHOO\n+2\n10")]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
            [.comment("test stream"), event("first event", id: "1"), event("second event"), event(" third event")]
        ),
        ("data\n\ndata\ndata\n\ndata:", [event(""), event("\n")]),
        ("data:test\n\ndata: test\n\n", [event("test"), event("test")]),
    ])
    func standard(_ text: String, _ expected: [Output]) throws {
        #expect(try Self.parse(text) == expected)
    }

    @Test("takes CR, LF and CRLF for the end of a line alike", arguments: ["\n", "\r", "\r\n"])
    func lineEnds(_ end: String) throws {
        let text = ["event: change", "id: 7", "data: a", "data: b", "", ":x", "data: c", "", ""].joined(separator: end)
        #expect(
            try Self.parse(text) == [
                Self.event("a\nb", type: "change", id: "7"), .comment("x"), Self.event("c", id: "7"),
            ])
    }

    @Test("skips one byte order mark at the very start only")
    func mark() throws {
        #expect(try Self.parse("\u{FEFF}data: a\n\n") == [Self.event("a")])
        #expect(try Self.parse("\u{FEFF}\u{FEFF}data: a\n\n") == [])
        #expect(try Self.parse("data: a\n\n\u{FEFF}data: b\n\n") == [Self.event("a")])
        // It only begins like one: the field is not "data" then.
        #expect(try Self.parse([[0xEF, 0xBB] + Array("data: a\n\n".utf8)]) == [])
    }

    @Test("ignores an identifier with a null byte, and a pause that is no number")
    func oddFields() throws {
        #expect(try Self.parse("id: 5\nid: a\0b\ndata: x\n\n") == [Self.event("x", id: "5")])
        #expect(try Self.parse("retry: 10s\nretry: -1\nretry:\n\n") == [])
        #expect(try Self.parse("retry: 99999999999999999999\n\n") == [])
        #expect(try Self.parse("retry: 2500\n\n") == [.retry(milliseconds: 2500)])
        #expect(try Self.parse("Data: x\nunknown: y\n\n") == [])
    }

    @Test("forgets the type of an event without data")
    func eventWithoutData() throws {
        #expect(try Self.parse("event: ghost\n\ndata: x\n\n") == [Self.event("x")])
    }

    @Test("does not give out an event that was cut off")
    func truncated() throws {
        #expect(try Self.parse("data: a\n\nevent: change\ndata: b\n") == [Self.event("a")])
    }

    /// All that the format knows in one stream.
    private static let sample =
        "\u{FEFF}: resumed\r\nretry: 250\r\n\r\nevent: snapshot\ndata: {\"größe\":\n data:1}\rdata: }\r\rid: 12\r\n"
        + "event: synced\r\ndata: é\n\n:\n\n\n\rid\ndata\n\ndata: last\r\n\r\n"

    @Test("gives the same wherever the bytes are cut in two")
    func everySplit() throws {
        let bytes = Array(Self.sample.utf8)
        let whole = try Self.parse([bytes])
        #expect(whole.count == 7)
        for cut in 0 ... bytes.count {
            let parts = try Self.parse([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(parts == whole, "cut at \(cut)")
        }
        #expect(try Self.parse(bytes.map { [$0] }) == whole)
    }

    @Test("gives the same for random bytes however they are cut, and never more than the limit", arguments: 0 ..< 200)
    func fuzz(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pieces = ["data", ":", " ", "\n", "\r", "\r\n", "id", "event", "retry", "1", "\u{FEFF}", "\0", "x", "\n\n"]
        var bytes: [UInt8] = []
        for _ in 0 ..< Int.random(in: 0 ... 300, using: &random) {
            if Int.random(in: 0 ..< 10, using: &random) == 0 {
                bytes.append(UInt8.random(in: .min ... .max, using: &random))
            } else {
                bytes += Array(pieces[Int.random(in: 0 ..< pieces.count, using: &random)].utf8)
            }
        }
        var chunks: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(Int.random(in: 1 ... 7, using: &random))
            rest = rest.dropFirst(part.count)
            chunks.append(Array(part))
        }
        let whole = try Self.parse([bytes])
        #expect(try Self.parse(chunks) == whole, "seed \(seed)")
        #expect(whole == referenceParse(bytes), "seed \(seed)")
    }

    @Test("refuses an event over the limit, in one line or in many, and holds no more than that")
    func tooLarge() throws {
        let limit = 1000
        let line = "data: " + String(repeating: "x", count: 2000)
        let lines = String(repeating: "data: 0123456789\n", count: 100)
        for text in [line, lines] {
            #expect(throws: EventStreamParser.EventTooLarge(limit: limit)) {
                try Self.parse([Array(text.utf8)], limit: limit)
            }
        }
        let many = String(repeating: "data: 0123456789\n\n", count: 1000)
        #expect(try Self.parse([Array(many.utf8)], limit: limit).count == 1000)
        let comment = ":" + String(repeating: "c", count: 5000) + "\n"
        let read = try Self.parse([Array(comment.utf8)], limit: limit)
        #expect(read == [.comment(String(repeating: "c", count: EventStreamParser.commentBytes))])
    }
}

/// The same, slow and obvious: splits the whole text into lines first, as the standard words it.
private func referenceParse(_ bytes: [UInt8]) -> [EventStreamParser.Output] {
    var text = bytes[...]
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { text = text.dropFirst(3) }
    var lines: [[UInt8]] = []
    var line: [UInt8] = []
    var position = text.startIndex
    while position < text.endIndex {
        let byte = text[position]
        position += 1
        if byte == 0x0D || byte == 0x0A {
            if byte == 0x0D, position < text.endIndex, text[position] == 0x0A { position += 1 }
            lines.append(line)
            line = []
        } else {
            line.append(byte)
        }
    }
    var outputs: [EventStreamParser.Output] = []
    var data: [[UInt8]] = []
    var type = ""
    var id = ""
    for line in lines {
        if line.isEmpty {
            if !data.isEmpty {
                let joined = Array(data.joined(separator: [0x0A]))
                outputs.append(.event(StreamEvent(type: type.isEmpty ? "message" : type, data: joined, id: id)))
            }
            data = []
            type = ""
            continue
        }
        let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        var value = parts.count > 1 ? Array(parts[1]) : []
        if parts[0].isEmpty, parts.count > 1 {
            while value.first == 0x20 { value.removeFirst() }
            outputs.append(.comment(String(decoding: value.prefix(EventStreamParser.commentBytes), as: UTF8.self)))
            continue
        }
        if value.first == 0x20 { value.removeFirst() }
        let string = String(decoding: value, as: UTF8.self)
        switch String(decoding: parts[0], as: UTF8.self) {
        case "data": data.append(value)
        case "event": type = string
        case "id": if !value.contains(0) { id = string }
        case "retry":
            if !value.isEmpty, value.allSatisfy({ (0x30 ... 0x39).contains($0) }), let number = Int(string) {
                outputs.append(.retry(milliseconds: number))
            }
        default: break
        }
    }
    return outputs
}
