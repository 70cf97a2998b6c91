// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@Suite("Reading JSON")
struct JSONReaderTests {
    private func parse(_ text: String) throws(JSONError) -> JSONValue { try JSONValue.parse(Array(text.utf8)) }

    @Test(
        "Every kind of value is read",
        arguments: [
            ("null", JSONValue.null), ("true", .bool(true)), (" false\r\n\t", .bool(false)), ("\"\"", .string("")),
            ("[]", .array([])), ("{ }", .object([])), ("[ 1 , 2 ]", .array([.integer(1), .integer(2)])),
            (
                "{\"a\":{\"b\":[null]}}",
                .object([
                    JSONMember(key: "a", value: .object([JSONMember(key: "b", value: .array([.null]))]))
                ])
            ),
            (
                "{\"\":1,\"\":2}",
                .object([
                    JSONMember(key: "", value: .integer(1)), JSONMember(key: "", value: .integer(2)),
                ])
            ),
        ])
    func values(text: String, value: JSONValue) throws {
        #expect(try parse(text) == value)
    }

    @Test(
        "Numbers are integers where they are written as such and fit, else floating point",
        arguments: [
            ("0", JSONValue.integer(0)), ("-0", .integer(0)), ("-12", .integer(-12)), ("1.0", .number(1)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .number(0x1p63)), ("-9223372036854775809", .number(-0x1p63)),
            ("18446744073709551616", .number(0x1p64)), ("1e2", .number(100)), ("1E+2", .number(100)),
            ("2.5e-1", .number(0.25)), ("0.1", .number(0.1)), ("1e-999", .number(0)),
            ("5e-324", .number(.leastNonzeroMagnitude)),
            ("1.7976931348623157e308", .number(.greatestFiniteMagnitude)), ("1e22", .number(1e22)),
            ("1e23", .number(1e23)),
            ("0.30000000000000004", .number(0.1 + 0.2)), ("9007199254740993.0", .number(9_007_199_254_740_992)),
        ])
    func numbers(text: String, value: JSONValue) throws {
        #expect(try parse(text) == value)
    }

    @Test("The sign of a floating point zero is kept")
    func negativeZero() throws {
        let value = try JSONReader.read(Array("-0".utf8)) { reader throws(JSONError) in try reader.double() }
        #expect(value.sign == .minus)
    }

    @Test(
        "Escapes and characters of every length are read",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u0041\u00e9\u20AC\uD834\uDD1E""#, "Aé€𝄞"),
            (#""\u0000""#, "\0"), ("\"é€𝄞\u{7f}\u{2028}\"", "é€𝄞\u{7f}\u{2028}"),
            (#""12345678\n12345678é""#, "12345678\n12345678é"),
            (#""\ud7ff\ue000\uffff""#, "\u{d7ff}\u{e000}\u{ffff}"),
        ])
    func strings(text: String, value: String) throws {
        #expect(try parse(text) == .string(value))
    }

    @Test(
        "What the grammar forbids is refused at its place",
        arguments: [
            ("", 0), ("  ", 2), ("\u{feff}1", 0), ("nul", 0), ("nulL", 0), ("True", 0), ("1 2", 2), ("[1,]", 3),
            ("[,1]", 1),
            ("[1 2]", 3), ("[", 1), ("[1", 2), ("{", 1), ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\":1,}", 7),
            ("{a:1}", 1),
            ("{'a':1}", 1), ("{1:1}", 1), ("{\"a\":1 \"b\":2}", 7), ("[1}", 2), ("{\"a\":1]", 6), ("]", 0),
            ("// x\n1", 0),
            ("1/*x*/", 1), ("01", 0), ("-01", 0), ("-", 1), ("+1", 0), (".5", 0), ("1.", 2), ("1.e1", 2), ("1e", 2),
            ("1e+", 3),
            ("NaN", 0), ("Infinity", 0), ("-Infinity", 1), ("0x10", 1), ("1e999", 0), ("\u{a0}1", 0), ("\u{c}1", 0),
            ("\"a", 0), ("\"a\\", 2), ("\"a\\x\"", 2), ("\"\\u12g4\"", 1), ("\"\\u12\"", 1), ("\"a\nb\"", 2),
            ("\"a\u{0}\"", 2),
            ("\"12345678\u{1f}\"", 9), ("\"\\ud800\"", 1), ("\"\\udc00\"", 1), ("\"\\ud800\\u0041\"", 1),
            ("\"\\ud800\\ud800\"", 1), ("\"\\ud800x\"", 1), ("'a'", 0),
        ])
    func refusals(text: String, offset: Int) throws {
        let error = try #require(throws: JSONError.self) { try parse(text) }
        #expect(error.offset == offset, "\(error)")
    }

    @Test(
        "Invalid UTF-8 is refused at its first byte",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
            [0xED, 0xA0, 0x80], [0xFF], [0xBF],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func invalidUTF8(bytes: [UInt8]) throws {
        for prefix in ["", "abc", "12345678", "é"] {
            let text = Array("\"\(prefix)".utf8) + bytes + Array("\"".utf8)
            let error = try #require(throws: JSONError.self) { try JSONValue.parse(text) }
            #expect(error.offset == 1 + prefix.utf8.count)
            let skipping = try #require(throws: JSONError.self) {
                try JSONReader.read(text) { reader throws(JSONError) in try reader.skip() }
            }
            #expect(skipping == error)
        }
    }

    @Test("A byte order mark is refused")
    func byteOrderMark() throws {
        let error = try #require(throws: JSONError.self) { try JSONValue.parse([0xEF, 0xBB, 0xBF, 0x31]) }
        #expect(error.description == "expected a value, found the byte 0xef at byte 0")
    }

    @Test("Nesting is allowed up to the limit, whether values are read or skipped", arguments: [0, 1, 64, 512, 9999])
    func depth(limit: Int) throws {
        let effective = min(limit, JSONReader.largestMaximumDepth)
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            for extra in 0 ... 1 {
                let depth = effective + extra
                let text = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
                let parsed = Result { try JSONValue.parse(Array(text.utf8), maximumDepth: limit) }
                let skipped = Result {
                    try JSONReader.read(Array(text.utf8), maximumDepth: limit) { reader throws(JSONError) in
                        try reader.skip()
                    }
                }
                #expect((try? parsed.get() != .null) == (extra == 0 ? true : nil))
                #expect((try? skipped.get() == ()) == (extra == 0 ? true : nil))
            }
        }
        #expect(throws: JSONError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
    }

    @Test("Siblings do not count as depth")
    func siblings() throws {
        let text = "[" + String(repeating: "[[]],{\"a\":{}},", count: 500) + "[]]"
        #expect(try JSONValue.parse(Array(text.utf8), maximumDepth: 3).arrayValue?.count == 1001)
        #expect(throws: JSONError.self) { try JSONValue.parse(Array(text.utf8), maximumDepth: 1) }
    }

    @Test("A number of a million digits is answered")
    func longNumber() throws {
        let digits = String(repeating: "7", count: 1_000_000)
        #expect(throws: JSONError.self) { try parse(digits) }
        #expect(try parse("0." + digits) == .number(0.7777777777777778))
        #expect(try parse("1e-" + digits) == .number(0))
        #expect(throws: JSONError.self) { try parse("1e" + digits) }
    }
}
