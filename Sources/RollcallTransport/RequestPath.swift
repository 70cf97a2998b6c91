// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A path of an HTTP API with its query, percent-encoded (RFC 3986).
package struct RequestPath: Sendable, Hashable, CustomStringConvertible {
    package private(set) var description: String
    private var hasQuery = false

    /// - Parameter base: What every path of the API begins with.
    package init(_ base: String) {
        description = base
    }

    package func adding(_ segment: String) -> RequestPath {
        var path = self
        path.description += "/" + percentEncoded(segment)
        return path
    }

    package func adding(query name: String, _ value: String) -> RequestPath {
        var path = self
        path.description += "\(hasQuery ? "&" : "?")\(percentEncoded(name))=\(percentEncoded(value))"
        path.hasQuery = true
        return path
    }
}

/// `text` with every byte encoded that is not unreserved (RFC 3986, section 2.3).
private func percentEncoded(_ text: String) -> String {
    // As a whole segment these mean another folder (section 5.2.4), and not every proxy leaves them alone.
    if text == "." || text == ".." { return text == "." ? "%2E" : "%2E%2E" }
    let digits = Array("0123456789ABCDEF".utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "a") ... UInt8(ascii: "z"), UInt8(ascii: "A") ... UInt8(ascii: "Z"),
            UInt8(ascii: "0") ... UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            bytes.append(byte)
        default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}
