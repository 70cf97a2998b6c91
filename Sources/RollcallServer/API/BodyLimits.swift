// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOHTTP1

/// How long the body of a request may be.
public struct BodyLimits: Sendable, Hashable {
    /// Of a registration.
    public var registrationBytes = 64 * 1024
    /// Of many heartbeats at once.
    public var heartbeatsBytes = 2 * 1024 * 1024
    /// Of every other request.
    public var otherBytes = 16 * 1024

    /// The defaults, to be changed property by property.
    public init() {}

    func bytesMax(_ method: HTTPMethod, _ target: Substring.UTF8View) -> Int {
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        switch method {
        case .POST where path.elementsEqual("/api/v1/heartbeats".utf8): return heartbeatsBytes
        case .PUT:
            // `/api/v1/services/{service}/instances/{id}` and nothing behind it.
            let isInstance = path.count { $0 == UInt8(ascii: "/") } == 6
            return isInstance ? registrationBytes : otherBytes
        default: return otherBytes
        }
    }
}
