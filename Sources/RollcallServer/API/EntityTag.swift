// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Entity tags in `If-None-Match` (RFC 9110, section 13.1.2).
enum EntityTag {
    /// Whether one of the tags in `header` is `tag`, by weak comparison.
    ///
    /// - Parameter tag: In quotes, without a comma.
    static func list(_ header: String, contains tag: String) -> Bool {
        if header == tag { return true }
        return header.utf8.split(separator: UInt8(ascii: ",")).contains { part in
            var part = part.drop { isBlank($0) }
            while let last = part.last, isBlank(last) { part.removeLast() }
            if part.elementsEqual("*".utf8) { return true }
            if part.starts(with: "W/".utf8) { part = part.dropFirst(2) }
            return part.elementsEqual(tag.utf8)
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
