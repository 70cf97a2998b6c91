// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOHTTP1

/// What the transport itself has to know of a request's head, read in one pass over the header fields.
struct RequestFacts: Hashable, Sendable {
    enum Expectation: Hashable, Sendable {
        case none, continuation, unknown
    }

    /// HTTP/1.0 or HTTP/1.1; the parser lets others through.
    var isSupported: Bool
    var version11: Bool
    var keepsAlive: Bool
    /// HTTP/1.0 and the client asks to keep the connection: the answer has to say so.
    var confirmsKeepAlive = false
    var isHead: Bool
    var hostCount = 0
    var contentLength: Int?
    var isChunked = false
    var expectation = Expectation.none

    init(_ head: HTTPRequestHead) {
        isSupported = head.version == .http1_1 || head.version == .http1_0
        version11 = head.version == .http1_1
        // The parser stops after CONNECT, too: what follows is not HTTP.
        keepsAlive = head.isKeepAlive && head.method != .CONNECT
        isHead = head.method == .HEAD
        confirmsKeepAlive = keepsAlive && !version11
        for (name, value) in head.headers {
            // The length tells most names apart from these without comparing letters.
            switch name.utf8.count {
            case 4 where Self.same(name, "host"):
                hostCount += 1
            case 6 where Self.same(name, "expect"):
                expectation = Self.same(value, "100-continue") ? .continuation : .unknown
            case 7 where Self.same(name, "upgrade"):
                // The parser stops after a request that offers another protocol. None is spoken here: the request is
                // answered as it is, and the connection ends.
                keepsAlive = false
                confirmsKeepAlive = false
            case 14 where Self.same(name, "content-length"):
                contentLength = Int(value)
            case 17 where Self.same(name, "transfer-encoding"):
                isChunked = true
            default:
                break
            }
        }
    }

    var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }
    /// Whether the client waits for a go-ahead before it sends the body (RFC 9110 section 10.1.1).
    var awaitsContinue: Bool { expectation == .continuation && version11 && hasBody }

    /// ASCII comparison without regard to case; `lowercase` has none to fold.
    private static func same(_ text: String, _ lowercase: StaticString) -> Bool {
        guard text.utf8.count == lowercase.utf8CodeUnitCount else { return false }
        var expected = lowercase.utf8Start
        for byte in text.utf8 {
            let folded = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
            if folded != expected.pointee { return false }
            expected += 1
        }
        return true
    }
}
