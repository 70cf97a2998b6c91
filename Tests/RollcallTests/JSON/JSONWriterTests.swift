// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@Suite("Writing JSON")
struct JSONWriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test("Commas stand between members and elements and nowhere else")
    func commas() {
        let text = written { writer in
            writer.beginObject()
            writer.field("a", 1)
            writer.field("b", "x")
            writer.key("c")
            writer.beginArray()
            writer.null()
            writer.beginArray()
            writer.endArray()
            writer.beginObject()
            writer.endObject()
            writer.raw(Array("[1]".utf8))
            writer.bool(false)
            writer.endArray()
            writer.field("d", true)
            writer.field("e", 0.5)
            let name = "f\n"
            writer.key(name)
            writer.raw(Array("{}".utf8))
            writer.endObject()
        }
        #expect(text == #"{"a":1,"b":"x","c":[null,[],{},[1],false],"d":true,"e":0.5,"f\n":{}}"#)
    }

    @Test(
        "Only quotes, backslashes and control characters are escaped",
        arguments: [
            ("", #""""#), ("plain text of some length", #""plain text of some length""#),
            ("\"", #""\"""#), ("\\", #""\\""#),
            ("\u{8}\u{9}\n\u{c}\r", #""\b\t\n\f\r""#), ("\0\u{1f}", #""\u0000\u001f""#),
            ("/é€𝄞\u{7f}", "\"/é€𝄞\u{7f}\""),
            ("1234567\"12345678\\1234567\n", #""1234567\"12345678\\1234567\n""#),
        ])
    func strings(value: String, text: String) {
        #expect(written { $0.string(value) } == text)
    }

    @Test("Every ASCII character survives at every offset of a word")
    func escapesAtOffsets() throws {
        for code in UInt8.min ..< 0x80 {
            for offset in 0 ..< 17 {
                let value =
                    String(repeating: "é", count: offset / 2) + String(repeating: "a", count: offset % 2)
                    + String(UnicodeScalar(code)) + "tail of text"
                let text = written { $0.string(value) }
                #expect(try JSONValue.parse(Array(text.utf8)) == .string(value))
            }
        }
    }

    @Test("Integers of every width are written in full")
    func integers() {
        #expect(written { $0.integer(0) } == "0")
        #expect(written { $0.integer(Int8.min) } == "-128")
        #expect(written { $0.integer(Int64.min) } == "-9223372036854775808")
        #expect(written { $0.integer(UInt64.max) } == "18446744073709551615")
        #expect(written { $0.integer(UInt16(8080)) } == "8080")
        #expect(written { $0.integer(Int128.min) } == "-170141183460469231731687303715884105728")
    }

    @Test(
        "Numbers are short, read back the same, and are null if not finite",
        arguments: [
            (0.1, "0.1"), (1, "1.0"), (-0.0, "-0.0"), (1e21, "1e+21"), (.leastNonzeroMagnitude, "5e-324"),
            (.nan, "null"),
            (.infinity, "null"),
            (-.infinity, "null"), (123_456.789, "123456.789"),
        ] as [(Double, String)])
    func numbers(value: Double, text: String) {
        #expect(written { $0.number(value) } == text)
    }
}
