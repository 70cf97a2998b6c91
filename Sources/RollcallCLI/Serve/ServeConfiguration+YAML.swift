// SPDX-License-Identifier: Apache-2.0
// Rollcall

extension ServeConfiguration {
    /// The configuration as a file that gives every key and says what it means.
    var yaml: String {
        var text = ""
        var section = ""
        for key in ServeKey.all where key.name != "data" || storage != .memory {
            let parts = key.name.split(separator: ".", maxSplits: 1).map(String.init)
            let isNested = parts.count == 2
            if isNested, parts[0] != section {
                section = parts[0]
                text += "\(section):\n"
            }
            let indent = isNested ? "  " : ""
            text += "\(indent)# \(key.summary)\n\(indent)\(parts[parts.count - 1]): \(Self.scalar(key.get(self)))\n"
        }
        return text
    }

    /// `value` as a YAML scalar: between double quotes when it could be read as anything else.
    private static func scalar(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a") ... UInt8(ascii: "z"), UInt8(ascii: "A") ... UInt8(ascii: "Z"),
                UInt8(ascii: "0") ... UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard !isPlain || value.isEmpty else { return value }
        let escaped = value.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
        return "\"\(String(escaped))\""
    }
}
