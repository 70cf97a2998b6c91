// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@Suite("Pulling values out of JSON")
struct JSONPullTests {
    private func read<Value>(
        _ text: String, _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        try JSONReader.read(Array(text.utf8), body)
    }

    @Test("Members are told apart by literals, and what is not read is skipped")
    func members() throws {
        let text = #"{"service":"web","n":1,"skip":{"x":[1,{}]},"left":[true],"\u0070ort":80,"weight":1.5,"none":null}"#
        let seen = try read(text) { reader throws(JSONError) in
            var seen: [String] = []
            try reader.object { key, reader throws(JSONError) in
                switch key {
                case "service": seen.append(try reader.string())
                case "n": seen.append("n\(try reader.integer())")
                case "skip": try reader.skip()
                case "port": seen.append("port \(try reader.integer(as: UInt16.self))")
                case "weight": seen.append("\(try reader.double())")
                default:
                    if key == "none" { seen.append(try reader.stringOrNull() ?? "nil") }
                    if key != "none" { seen.append(key.string) }
                }
            }
            return seen
        }
        #expect(seen == ["web", "n1", "left", "port 80", "1.5", "nil"])
    }

    @Test("Names of any length are compared in full")
    func keyLengths() throws {
        let long = "a-name-that-is-longer-than-thirty-two-bytes"
        let text =
            #"{"":0,"a":1,"exactly-thirty-two-bytes-long-ab":2,"\#(long)":3,"\#(long.dropLast())x":4,"#
            + #""é\n":5,"A":6}"#
        let seen = try read(text) { reader throws(JSONError) in
            var seen: [Int64: String] = [:]
            try reader.object { key, reader throws(JSONError) in
                let value = try reader.integer()
                seen[value] =
                    switch key {
                    case "": "empty"
                    case "a": "a"
                    case "exactly-thirty-two-bytes-long-ab": "32"
                    case "a-name-that-is-longer-than-thirty-two-bytes": "long"
                    case "é\n": "escaped"
                    default: "other: \(key)"
                    }
            }
            return seen
        }
        #expect(
            seen == [
                0: "empty", 1: "a", 2: "32", 3: "long", 4: "other: \(long.dropLast())x", 5: "escaped", 6: "other: A",
            ])
    }

    @Test("Integers are read within the bounds of their type")
    func integers() throws {
        func integer<Value: FixedWidthInteger>(_ text: String, _ type: Value.Type) -> Value? {
            try? read(text) { reader throws(JSONError) in try reader.integer(as: type) }
        }
        #expect(integer("65535", UInt16.self) == 65535)
        #expect(integer("65536", UInt16.self) == nil)
        #expect(integer("-1", UInt16.self) == nil)
        #expect(integer("-0", UInt16.self) == 0)
        #expect(integer("-128", Int8.self) == -128)
        #expect(integer("-129", Int8.self) == nil)
        #expect(integer("18446744073709551615", UInt64.self) == .max)
        #expect(integer("18446744073709551616", UInt64.self) == nil)
        #expect(integer("-9223372036854775808", Int64.self) == .min)
        #expect(integer("-9223372036854775809", Int64.self) == nil)
        #expect(integer("9223372036854775808", Int64.self) == nil)
        #expect(integer("-18446744073709551615", Int64.self) == nil)
        #expect(integer("30.0", Int64.self) == 30)
        #expect(integer("-3e1", Int64.self) == -30)
        #expect(integer("30.5", Int64.self) == nil)
        #expect(integer("1e300", Int64.self) == nil)
        #expect(integer("\"1\"", Int64.self) == nil)
    }

    @Test("A raw value is its bytes verbatim")
    func rawValue() throws {
        let raw = try read(#" [ {"a" : [1, "\u0041"] } , 2 ] "#) { reader throws(JSONError) in
            var raw: [String] = []
            try reader.array { reader throws(JSONError) in
                raw.append(String(decoding: try reader.rawValue(), as: UTF8.self))
            }
            return raw
        }
        #expect(raw == [#"{"a" : [1, "\u0041"] }"#, "2"])
        #expect(throws: JSONError.self) { try read("[1,]") { reader throws(JSONError) in try reader.rawValue() } }
    }

    @Test("The kind of the next value is known without reading it")
    func peek() throws {
        let kinds = try read(#"[null,true,false,-1,0,"",[],{}]"#) { reader throws(JSONError) in
            var kinds: [JSONKind?] = []
            try reader.array { reader throws(JSONError) in kinds.append(reader.peek()) }
            return kinds
        }
        #expect(kinds == [.null, .bool, .bool, .number, .number, .string, .array, .object])
        #expect(throws: JSONError.self) {
            try read("x") { reader throws(JSONError) in #expect(reader.peek() == nil) }
        }
    }

    @Test("Reading a value twice, or past the last one, is an error and nothing worse")
    func readingTwice() throws {
        #expect(throws: JSONError.self) {
            try read("[1,2]") { reader throws(JSONError) in
                try reader.array { reader throws(JSONError) in
                    _ = try reader.integer()
                    _ = try reader.integer()
                }
            }
        }
        let error = try #require(throws: JSONError.self) {
            try read("1") { reader throws(JSONError) in
                _ = try reader.integer()
                _ = try reader.string()
            }
        }
        #expect(error.description == "expected a string, found the end of the text at byte 1")
    }

    @Test("A value left alone is checked all the same")
    func leftAlone() {
        #expect(throws: Never.self) { try read("[1,{\"a\":2}]") { _ throws(JSONError) in } }
        #expect(throws: JSONError.self) { try read("[1,{\"a\":02}]") { _ throws(JSONError) in } }
        #expect(throws: JSONError.self) { try read("") { _ throws(JSONError) in } }
    }

    @Test("An error names the path, what was expected and what was found")
    func errors() throws {
        func message(_ text: String) throws -> String {
            try #require(throws: JSONError.self) {
                try read(text) { reader throws(JSONError) in
                    try reader.object { key, reader throws(JSONError) in
                        if key == "checks" {
                            try reader.array { reader throws(JSONError) in
                                try reader.object { _, reader throws(JSONError) in
                                    _ = try reader.integer(as: UInt8.self)
                                }
                            }
                        } else if key == "own" {
                            try reader.array { _ throws(JSONError) in }
                            throw reader.failure("expected something else")
                        }
                    }
                }
            }.description
        }
        #expect(
            try message(#"{"checks":[{},{},{"interval":"5s"}]}"#)
                == "checks[2].interval: expected an integer, found a string at byte 29")
        #expect(
            try message(#"{"checks":[{"n":300}]}"#)
                == "checks[0].n: expected an integer from 0 to 255, found 300 at byte 16")
        #expect(try message(#"{"checks":7}"#) == "checks: expected an array, found a number at byte 10")
        #expect(try message(#"{"own":[1,[2]]}"#) == "own: expected something else at byte 7")
        #expect(
            try message(#"{"a\n\"b":tru}"#)
                == #"["a\n\"b"]: expected true or false, found 't' at byte 10"#)
        #expect(try message(#"{"a":1;}"#) == "expected ',' or '}', found ';' at byte 6")
    }

    @Test("Long names and deep nesting do not make an error long", arguments: ["k", "\u{301}", "\\u0000"])
    func errorLength(piece: String) throws {
        let name = "\"a" + String(repeating: piece, count: 10_000) + "\":"
        let text = String(repeating: "{" + name, count: 64) + "?"
        let error = try #require(throws: JSONError.self) { try JSONValue.parse(Array(text.utf8)) }
        #expect(error.offset == text.utf8.count - 1)
        #expect(error.path.hasPrefix("...") && error.path.utf8.count < 1024)
    }
}
