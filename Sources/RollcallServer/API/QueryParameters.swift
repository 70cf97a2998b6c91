// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The parameters of a request target's query, as an HTML form writes them: percent-encoded, with `+` for a space.
struct QueryParameters: Sendable, Hashable {
    private var pairs: [(name: String, value: String)] = []

    static func == (left: QueryParameters, right: QueryParameters) -> Bool {
        left.pairs.elementsEqual(right.pairs) { $0 == $1 }
    }

    func hash(into hasher: inout Hasher) {
        for (name, value) in pairs {
            hasher.combine(name)
            hasher.combine(value)
        }
    }

    /// Reads what follows the `?`; `nil` for a bad escape or for bytes that are not UTF-8.
    init?(_ query: Substring.UTF8View) {
        for part in query.split(separator: UInt8(ascii: "&")) {
            let name = part.prefix { $0 != UInt8(ascii: "=") }
            guard let decodedName = PercentEncoding.decoded(name, plusIsSpace: true),
                let value = PercentEncoding.decoded(part.dropFirst(name.count + 1), plusIsSpace: true)
            else { return nil }
            pairs.append((decodedName, value))
        }
    }

    /// The names, each as often as it is there.
    var keys: [String] { pairs.map(\.name) }

    /// All values of a parameter, in their order.
    func values(of name: String) -> [String] { pairs.filter { $0.name == name }.map(\.value) }

    func first(_ name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// A name that is there more than once and is none of `repeatable`.
    func firstRepeated(except repeatable: [String]) -> String? {
        guard pairs.count > 1 else { return nil }
        var seen: Set<String> = []
        return pairs.first { !seen.insert($0.name).inserted && !repeatable.contains($0.name) }?.name
    }
}
