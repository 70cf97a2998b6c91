// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// An error told to a client: an RFC 9457 problem document.
struct ProblemDocument: Hashable, Sendable {
    enum Value: Hashable, Sendable {
        case string(String)
        case integer(Int)
        case faults([FieldFault])
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
        var writer = JSONWriter(capacity: 160 + detail.utf8.count)
        writer.beginObject()
        writer.field("type", type)
        writer.field("title", title)
        writer.field("status", status)
        writer.field("detail", detail)
        for member in members {
            writer.key(member.name)
            switch member.value {
            case .string(let text): writer.string(text)
            case .integer(let number): writer.integer(number)
            case .faults(let faults): Self.write(faults, to: &writer)
            }
        }
        writer.endObject()
        return ByteBuffer(bytes: writer.bytes)
    }

    private static func write(_ faults: [FieldFault], to writer: inout JSONWriter) {
        writer.beginArray()
        for fault in faults {
            writer.beginObject()
            writer.field("field", fault.field)
            writer.field("problem", fault.problem)
            writer.endObject()
        }
        writer.endArray()
    }

    /// The header fields of a response that carries the document.
    var headers: [(name: String, value: String)] {
        var headers = [(name: "content-type", value: Self.mediaType), (name: "cache-control", value: "no-store")]
        if let retryAfterSeconds { headers.append((name: "retry-after", value: String(retryAfterSeconds))) }
        return headers
    }
}
