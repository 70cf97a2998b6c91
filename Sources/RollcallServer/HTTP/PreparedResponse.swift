// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1

/// A response whose bytes are ready before it is asked for. Made once, shared by every request that it answers.
///
/// Only what differs between two requests is missing: the date, and what is said about the connection.
struct PreparedResponse: Sendable {
    /// Status line and header fields, a blank line, the body.
    let bytes: ByteBuffer
    /// Where the header fields end and the blank line begins.
    let headLength: Int
    let status: Int

    /// - Parameters:
    ///   - headers: Header fields in the order to send. `content-length`, `date`, `connection` and `transfer-encoding`
    ///     are the transport's own. Names and values are sent as they are: never anything that a client chose.
    init(status: Int, headers: [(name: String, value: String)], body: ByteBuffer) {
        let hasBody = Self.allowsBody(status)
        var bytes = Self.head(status: status, headers: headers, reserving: body.readableBytes)
        if hasBody {
            bytes.writeStaticString("content-length: ")
            bytes.writeString(String(body.readableBytes))
            bytes.writeStaticString("\r\n")
        }
        self.headLength = bytes.readableBytes
        bytes.writeStaticString("\r\n")
        if hasBody { bytes.writeImmutableBuffer(body) }
        self.bytes = bytes
        self.status = status
    }

    init(_ problem: ProblemDocument) {
        self.init(status: problem.status, headers: problem.headers, body: problem.encoded())
    }

    /// The head of a response whose body is sent piece by piece.
    static func streamHead(status: Int, headers: [(name: String, value: String)]) -> PreparedResponse {
        PreparedResponse(streamStatus: status, headers: headers)
    }

    private init(streamStatus: Int, headers: [(name: String, value: String)]) {
        var bytes = Self.head(status: streamStatus, headers: headers, reserving: 0)
        self.headLength = bytes.readableBytes
        bytes.writeStaticString("\r\n")
        self.bytes = bytes
        self.status = streamStatus
    }

    /// 1xx, 204 and 304 have neither a body nor its length (RFC 9110 section 6.4.1).
    static func allowsBody(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 304 }

    private static func head(
        status: Int, headers: [(name: String, value: String)], reserving: Int
    ) -> ByteBuffer {
        var bytes = ByteBuffer()
        bytes.reserveCapacity(256 + reserving)
        bytes.writeStaticString("HTTP/1.1 ")
        bytes.writeString(String(status))
        bytes.writeStaticString(" ")
        bytes.writeString(HTTPResponseStatus(statusCode: status).reasonPhrase)
        bytes.writeStaticString("\r\n")
        for (name, value) in headers {
            bytes.writeString(name)
            bytes.writeStaticString(": ")
            bytes.writeString(value)
            bytes.writeStaticString("\r\n")
        }
        return bytes
    }

    /// Writes the response, or its head only.
    ///
    /// - Parameters:
    ///   - connectionLine: Complete header lines about this connection: nothing in the common case.
    func write(to out: inout ByteBuffer, date: ByteBuffer, connectionLine: StaticString?, headOnly: Bool) {
        out.reserveCapacity(minimumWritableBytes: bytes.readableBytes + 128)
        bytes.withUnsafeReadableBytes { all in
            _ = out.writeBytes(UnsafeRawBufferPointer(rebasing: all[..<headLength]))
            out.writeImmutableBuffer(date)
            if let connectionLine { out.writeStaticString(connectionLine) }
            let end = headOnly ? headLength + 2 : all.count
            _ = out.writeBytes(UnsafeRawBufferPointer(rebasing: all[headLength ..< end]))
        }
    }
}
