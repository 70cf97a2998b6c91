// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// JSON over several lines, as Consul writes it for `?pretty`: four spaces a level, and a line feed at the end.
enum PrettyJSON {
    /// - Parameter json: Valid and without white space outside of texts, as `JSONWriter` writes it.
    static func bytes(_ json: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(json.count * 2)
        var depth = 0
        var isInText = false
        var isEscaped = false
        var previous: UInt8 = 0
        func breakLine() {
            out.append(UInt8(ascii: "\n"))
            out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: depth * 4))
        }
        for byte in json {
            if isInText {
                out.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInText = false
                }
                previous = byte
                continue
            }
            let opens = previous == UInt8(ascii: "{") || previous == UInt8(ascii: "[")
            switch byte {
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if !opens { breakLine() }
                out.append(byte)
            case UInt8(ascii: ","):
                out.append(byte)
                breakLine()
            case UInt8(ascii: ":"):
                out += [byte, UInt8(ascii: " ")]
            case UInt8(ascii: "\n"): break
            default:
                if opens { breakLine() }
                out.append(byte)
                isInText = byte == UInt8(ascii: "\"")
                if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { depth += 1 }
            }
            previous = byte
        }
        out.append(UInt8(ascii: "\n"))
        return out
    }
}
