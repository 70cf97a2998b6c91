// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// What all connections of one event loop share. Touched on that loop only.
final class LoopLocal {
    let memo = RequestMemo()
    private var date = HTTPDate()
    private let time: TimeSource
    /// A buffer for answers, reused as long as the kernel takes them at once. While a connection fills it, it is taken
    /// out: an answer to another connection in the meantime gets a new one.
    private var scratch = ByteBuffer()
    private static let scratchBytesMax = 128 * 1024

    init(time: TimeSource = .system) {
        self.time = time
    }

    func dateLine(now: Instant) -> ByteBuffer {
        date.refresh(now: now, wallTime: time.wallTime)
        return date.line
    }

    func takeScratch() -> ByteBuffer {
        var buffer = ByteBuffer()
        swap(&buffer, &scratch)
        buffer.clear()
        return buffer
    }

    func returnScratch(_ buffer: ByteBuffer) {
        if buffer.capacity <= Self.scratchBytesMax { scratch = buffer }
    }
}

extension EventLoop {
    /// The time of this loop, which an embedded loop keeps by hand.
    var instant: Instant { Instant(nanoseconds: Int64(clamping: now.uptimeNanoseconds)) }
}

extension NIODeadline {
    init(_ instant: Instant) {
        self = .uptimeNanoseconds(UInt64(clamping: instant.nanoseconds))
    }
}
