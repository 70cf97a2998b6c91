// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore

/// A piece of a streamed body, framed once and shared by all who get it.
struct StreamChunk: Sendable {
    /// With the framing of the chunked transfer coding (RFC 9112 section 7.1).
    let framed: ByteBuffer
    /// Without it, for HTTP/1.0.
    let payload: ByteBuffer

    /// What it takes in memory.
    var byteCount: Int { framed.storageCapacity }

    /// The end of a chunked body.
    static let last = ByteBuffer(string: "0\r\n\r\n")

    /// - Parameter payload: At least one byte: an empty chunk would end the body.
    init(_ payload: ByteBuffer) {
        precondition(payload.readableBytes > 0, "an empty chunk would end the body")
        let size = String(payload.readableBytes, radix: 16)
        var framed = ByteBuffer()
        framed.reserveCapacity(payload.readableBytes + size.utf8.count + 4)
        framed.writeString(size)
        framed.writeStaticString("\r\n")
        let start = framed.writerIndex
        framed.writeImmutableBuffer(payload)
        framed.writeStaticString("\r\n")
        // After the last write: a slice shares the bytes, and writing then would copy them.
        self.payload = framed.getSlice(at: start, length: payload.readableBytes) ?? payload
        self.framed = framed
    }
}
