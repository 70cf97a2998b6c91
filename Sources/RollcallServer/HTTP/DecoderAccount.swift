// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Knows when NIO's decoder keeps no bytes back, by comparing what it was given with what came out.
///
/// Only then may a request be recognised by its bytes alone. It gives up for the rest of the connection where that
/// cannot be told: after pipelined requests, split heads and chunked bodies.
struct DecoderAccount: Sendable {
    private enum State: Sendable {
        /// All bytes belong to requests that are complete.
        case empty
        /// Nothing is kept back, and so many bytes of a body are still to come.
        case body(Int)
        case unknown
    }

    private var state = State.empty
    private var heads = 0
    private var ends = 0
    private var bodyBytes: Int?
    private var isDecoding = false

    var isEmpty: Bool {
        if case .empty = state { true } else { false }
    }

    /// The decoder is about to be given bytes. When it has not done with earlier ones it will keep them until then, and
    /// what comes out cannot be told apart.
    mutating func willDecode() {
        if isDecoding { loseTrack() }
        isDecoding = true
    }

    /// A head came out of the decoder.
    ///
    /// - Parameter bodyBytes: How long the body is; `nil` when the head does not say.
    mutating func sawHead(bodyBytes: Int?) {
        heads += 1
        self.bodyBytes = bodyBytes
    }

    /// The end of a request came out of the decoder.
    mutating func sawEnd() { ends += 1 }

    /// Something came out at a time when it was not looked at, or was no request.
    mutating func loseTrack() { state = .unknown }

    /// The decoder has been given `bytes` and has told everything it found in them.
    ///
    /// - Returns: Whether they were exactly one request without a body.
    mutating func decoded(_ bytes: UnsafeRawBufferPointer) -> Bool {
        defer {
            heads = 0
            ends = 0
            isDecoding = false
        }
        switch state {
        case .unknown:
            return false
        case .empty:
            guard heads == 1, let bodyBytes, let headBytes = Self.headLength(bytes) else {
                state = .unknown
                return false
            }
            state = Self.following(left: bodyBytes - (bytes.count - headBytes), ends: ends)
            return isEmpty && bodyBytes == 0
        case .body(let left):
            state = heads == 0 ? Self.following(left: left - bytes.count, ends: ends) : .unknown
            return false
        }
    }

    private static func following(left: Int, ends: Int) -> State {
        switch (left, ends) {
        case (0, 1): .empty
        case (1..., 0): .body(left)
        default: .unknown
        }
    }

    /// The length of what ends with the first empty line.
    private static func headLength(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var index = 3
        while index < bytes.count {
            if bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10 && bytes[index - 3] == 13 {
                return index + 1
            }
            index += 1
        }
        return nil
    }
}
