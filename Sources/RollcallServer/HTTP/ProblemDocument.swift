// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore

/// An error told to a client: an RFC 9457 problem document.
struct ProblemDocument: Hashable, Sendable {
    enum Value: Hashable, Sendable {
        case string(String)
        case integer(Int)
    }

    struct Member: Hashable, Sendable {
        var name: String
        var value: Value
    }

    static let mediaType = "application/problem+json"

    var status: Int
    /// The last part of the problem type: `too-large` of `urn:rollcall:problem:too-large`.
    var kind: String
    /// The same for every occurrence of the kind.
    var title: String
    /// What happened this time, and what to do about it.
    var detail: String
    /// When trying again may help, told in a `Retry-After` header field.
    var retryAfterSeconds: Int?
    /// Further facts about this occurrence.
    var members: [Member] = []

    /// The type URI of the problem.
    var type: String { "urn:rollcall:problem:" + kind }

    /// The document as JSON.
    func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(160 + detail.utf8.count)
        buffer.writeStaticString("{\"type\":")
        Self.write(type, to: &buffer)
        buffer.writeStaticString(",\"title\":")
        Self.write(title, to: &buffer)
        buffer.writeStaticString(",\"status\":")
        buffer.writeString(String(status))
        buffer.writeStaticString(",\"detail\":")
        Self.write(detail, to: &buffer)
        for member in members {
            buffer.writeStaticString(",")
            Self.write(member.name, to: &buffer)
            buffer.writeStaticString(":")
            switch member.value {
            case .string(let text): Self.write(text, to: &buffer)
            case .integer(let number): buffer.writeString(String(number))
            }
        }
        buffer.writeStaticString("}")
        return buffer
    }

    /// The header fields of a response that carries the document.
    var headers: [(name: String, value: String)] {
        var headers = [(name: "content-type", value: Self.mediaType), (name: "cache-control", value: "no-store")]
        if let retryAfterSeconds { headers.append((name: "retry-after", value: String(retryAfterSeconds))) }
        return headers
    }

    /// A JSON string literal (RFC 8259 section 7).
    private static func write(_ text: String, to buffer: inout ByteBuffer) {
        let digits: StaticString = "0123456789abcdef"
        buffer.writeInteger(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                buffer.writeInteger(UInt8(ascii: "\\"))
                buffer.writeInteger(byte)
            case 0..<0x20:
                buffer.writeStaticString("\\u00")
                buffer.writeInteger(digits.utf8Start[Int(byte >> 4)])
                buffer.writeInteger(digits.utf8Start[Int(byte & 15)])
            default:
                buffer.writeInteger(byte)
            }
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }
}
