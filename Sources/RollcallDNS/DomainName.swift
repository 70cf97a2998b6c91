// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A domain name: its labels, each after a byte with its length, ended by the empty label of the root (RFC 1035,
/// section 3.1). Names that differ only in ASCII case are equal (RFC 4343); the case is kept.
public struct DomainName: Sendable {
    /// The name as it stands in a message that compresses nothing: 1 to 255 bytes.
    public let wire: [UInt8]

    /// Bytes of a name, with the lengths and the root (RFC 1035, section 2.3.4).
    public static let bytesMax = 255
    /// Bytes of a label (RFC 1035, section 2.3.4).
    public static let labelBytesMax = 63
    /// The name without labels, `.`.
    public static let root = DomainName(wire: [0])

    /// - Parameter wire: A well-formed name.
    init(wire: [UInt8]) {
        self.wire = wire
    }

    /// The name of these labels, from the most particular one to the top.
    ///
    /// - Returns: `nil` when a label is empty or a limit is passed.
    public init?(labels: some Sequence<some Collection<UInt8>>) {
        var wire: [UInt8] = []
        for label in labels {
            guard !label.isEmpty, label.count <= Self.labelBytesMax else { return nil }
            wire.append(UInt8(truncatingIfNeeded: label.count))
            wire += label
        }
        wire.append(0)
        guard wire.count <= Self.bytesMax else { return nil }
        self.wire = wire
    }

    /// The name that these bytes are, uncompressed and to the end.
    public init?(wireBytes wire: [UInt8]) {
        var offset = 0
        while offset < wire.count, (1 ... Self.labelBytesMax).contains(Int(wire[offset])) {
            offset += 1 + Int(wire[offset])
        }
        guard offset == wire.count - 1, wire[offset] == 0, wire.count <= Self.bytesMax else { return nil }
        self.wire = wire
    }

    /// The name that `text` is in the form of master files (RFC 1035, section 5.1): labels between dots, `\.` for a dot
    /// in a label, `\123` for the byte 123. A dot at the end is allowed and changes nothing.
    ///
    /// - Returns: `nil` when a label is empty, a limit is passed, or an escape is incomplete.
    public init?(_ text: String) {
        if text == "." || text.isEmpty {
            self = .root
            return
        }
        var labels: [[UInt8]] = [[]]
        var bytes = Array(text.utf8)[...]
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "."): labels.append([])
            case UInt8(ascii: "\\"):
                guard let escaped = Self.takeEscaped(&bytes) else { return nil }
                labels[labels.count - 1].append(escaped)
            default: labels[labels.count - 1].append(byte)
            }
        }
        if labels.last?.isEmpty == true { labels.removeLast() }
        self.init(labels: labels)
    }

    private static func takeEscaped(_ bytes: inout ArraySlice<UInt8>) -> UInt8? {
        guard let first = bytes.popFirst() else { return nil }
        guard (0x30 ... 0x39).contains(first) else { return first }
        guard let second = bytes.popFirst(), let third = bytes.popFirst(), (0x30 ... 0x39).contains(second),
            (0x30 ... 0x39).contains(third)
        else { return nil }
        return UInt8(exactly: Int(first - 0x30) * 100 + Int(second - 0x30) * 10 + Int(third - 0x30))
    }

    /// The labels, from the most particular one to the top, without the root.
    public var labels: [ArraySlice<UInt8>] {
        var labels: [ArraySlice<UInt8>] = []
        var offset = 0
        while wire[offset] != 0 {
            let end = offset + 1 + Int(wire[offset])
            labels.append(wire[offset + 1 ..< end])
            offset = end
        }
        return labels
    }
}

extension DomainName: Hashable {
    public static func == (left: DomainName, right: DomainName) -> Bool {
        left.wire.count == right.wire.count
            && left.wire.elementsEqual(right.wire) { dnsFolded($0) == dnsFolded($1) }
    }

    public func hash(into hasher: inout Hasher) {
        for byte in wire { hasher.combine(dnsFolded(byte)) }
    }
}

extension DomainName: CustomStringConvertible {
    /// In the form of master files, with the dot at the end.
    public var description: String {
        var text = ""
        for label in labels {
            for byte in label {
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: ";"), UInt8(ascii: "@"),
                    UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "$"):
                    text.append("\\")
                    text.unicodeScalars.append(Unicode.Scalar(byte))
                case 0x21 ... 0x7E: text.unicodeScalars.append(Unicode.Scalar(byte))
                default:
                    let digits = String(byte)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
            text.append(".")
        }
        return text.isEmpty ? "." : text
    }
}

/// `byte` with A-Z turned into a-z. The lengths of labels are below both, so that whole names can be folded.
@inlinable
@inline(__always)
public func dnsFolded(_ byte: UInt8) -> UInt8 {
    byte &- 0x41 < 26 ? byte | 0x20 : byte
}
