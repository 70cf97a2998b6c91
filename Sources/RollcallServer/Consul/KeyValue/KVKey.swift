// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A key of the KV store, compared by its bytes: é and e with a combining accent are two keys.
struct KVKey: Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    let text: String

    init(_ text: String) {
        self.text = text
    }

    init(stringLiteral text: String) {
        self.text = text
    }

    var description: String { text }
    var isEmpty: Bool { text.isEmpty }

    static func == (left: KVKey, right: KVKey) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

    static func < (left: KVKey, right: KVKey) -> Bool { left.text.utf8.lexicographicallyPrecedes(right.text.utf8) }

    /// Of the text: strings with the same bytes have the same hash.
    func hash(into hasher: inout Hasher) { hasher.combine(text) }

    func hasPrefix(_ prefix: KVKey) -> Bool { text.utf8.starts(with: prefix.text.utf8) }

    /// The key up to and with the first `separator` after its first `offset` bytes; `nil` when there is none.
    func cut(after offset: Int, at separator: String) -> KVKey? {
        let bytes = Array(text.utf8)
        let separator = Array(separator.utf8)
        guard !separator.isEmpty, bytes.count >= offset + separator.count else { return nil }
        for start in offset...bytes.count - separator.count
        where bytes[start..<start + separator.count].elementsEqual(separator) {
            return KVKey(String(decoding: bytes[..<(start + separator.count)], as: UTF8.self))
        }
        return nil
    }
}
