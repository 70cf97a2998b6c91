// SPDX-License-Identifier: Apache-2.0
// Rollcall

import NIOCore
import Rollcall
import Testing

@testable import RollcallServer

@Suite("What the server writes")
struct MessageTests {
    @Test(
        "a date is written as RFC 9110 has it",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] as [(Int64, String)])
    func date(seconds: Int64, text: String) { #expect(HTTPDate.format(secondsSinceEpoch: seconds) == text) }

    @Test("the date is made anew when the second of the wall clock is over")
    func dateLine() {
        var date = HTTPDate()
        func line(_ now: Int64, _ wall: Int64) -> String {
            date.refresh(now: Instant(nanoseconds: now * 1_000_000)) { WallTime(millisecondsSinceEpoch: wall) }
            return String(buffer: date.line)
        }
        #expect(line(5000, 1_900) == "date: Thu, 01 Jan 1970 00:00:01 GMT\r\n")
        #expect(line(5099, 1_999) == "date: Thu, 01 Jan 1970 00:00:01 GMT\r\n")
        #expect(line(5100, 2_000) == "date: Thu, 01 Jan 1970 00:00:02 GMT\r\n")
    }

    @Test("a problem is JSON with the members of RFC 9457, whatever text is in it")
    func problem() throws {
        let hostile = "\"\\\u{0}\u{1F}\n\r\u{7F} é \u{2028} 𝄞"
        let problem = ProblemDocument(
            status: 422, kind: "invalid", title: "T", detail: hostile, retryAfterSeconds: 3,
            members: [
                ProblemDocument.Member(name: "n\"", value: .integer(-7)),
                ProblemDocument.Member(name: "s", value: .string(hostile)),
            ])
        let json = try JSONValue.parse(Array(problem.encoded().readableBytesView))
        #expect(json["type"]?.stringValue == "urn:rollcall:problem:invalid")
        #expect(json["title"]?.stringValue == "T")
        #expect(json["status"]?.intValue == 422)
        #expect(json["detail"]?.stringValue == hostile)
        #expect(json["n\""]?.intValue == -7)
        #expect(json["s"]?.stringValue == hostile)
        #expect(problem.headers.contains { $0 == ("retry-after", "3") })
    }

    @Test("every refusal of the transport is a problem with its status", arguments: Rejection.allCases)
    func rejections(_ rejection: Rejection) throws {
        let problem = rejection.problem
        let json = try JSONValue.parse(Array(problem.encoded().readableBytesView))
        #expect((400 ... 599).contains(problem.status))
        #expect(json["status"]?.intValue == Int64(problem.status))
        #expect(problem.status != 503 || problem.retryAfterSeconds != nil)
    }

    @Test("a prepared response has its length, and none of it where a body is not allowed")
    func prepared() {
        func written(_ status: Int, headOnly: Bool = false, line: StaticString? = nil) -> String {
            let response = PreparedResponse(status: status, headers: [("a", "b")], body: ByteBuffer(string: "body"))
            var out = ByteBuffer()
            response.write(
                to: &out, date: ByteBuffer(string: "date: D\r\n"), connectionLine: line, headOnly: headOnly)
            return String(buffer: out)
        }
        #expect(written(200) == "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 4\r\ndate: D\r\n\r\nbody")
        #expect(written(200, headOnly: true) == "HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 4\r\ndate: D\r\n\r\n")
        #expect(
            written(304, line: "connection: close\r\n")
                == "HTTP/1.1 304 Not Modified\r\na: b\r\ndate: D\r\nconnection: close\r\n\r\n")
    }

    @Test("a chunk carries its size in hexadecimal, and its payload alone for HTTP/1.0")
    func chunk() {
        let chunk = StreamChunk(ByteBuffer(string: String(repeating: "x", count: 26)))
        #expect(String(buffer: chunk.framed) == "1a\r\n" + String(repeating: "x", count: 26) + "\r\n")
        #expect(String(buffer: chunk.payload) == String(repeating: "x", count: 26))
    }
}
