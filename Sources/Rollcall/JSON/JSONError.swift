// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Why a JSON text was refused: the place and what was expected there.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the text the fault begins, in bytes from its start.
    public let offset: Int
    /// The value the fault is in, as `checks[2].interval`; empty for the outermost value.
    public private(set) var path: String
    /// What was expected and what was found.
    public let message: String

    // Names come from strangers and errors go to logs, so both are cut: a name at its end, a path at its front.
    private static let nameScalarsMax = 64
    private static let pathBytesMax = 512

    /// - Parameters:
    ///   - offset: In bytes from the start of the text.
    ///   - path: As ``path``; reading completes it from the inside outwards.
    ///   - message: `expected …` and what was found, without the place.
    public init(offset: Int, path: String = "", message: String) {
        self.offset = offset
        self.path = path
        self.message = message
    }

    public var description: String {
        path.isEmpty ? "\(message) at byte \(offset)" : "\(path): \(message) at byte \(offset)"
    }

    /// This error seen from the object around the value named `key`.
    func inMember(_ key: JSONKey) -> JSONError {
        let name = key.string
        var shown = String(name.unicodeScalars.prefix(Self.nameScalarsMax))
        if shown.utf8.count < name.utf8.count { shown += "..." }
        let isPlain =
            !shown.isEmpty
            && shown.utf8.allSatisfy {
                (0x30 ... 0x39).contains($0) || (0x41 ... 0x5A).contains($0 & 0xDF) || $0 == 0x5F || $0 == 0x2D
            }
        if !isPlain {
            var writer = JSONWriter()
            writer.string(shown)
            shown = "[" + String(decoding: writer.bytes, as: UTF8.self) + "]"
        }
        return within(shown)
    }

    /// This error seen from the array around the element at `index`.
    func inElement(_ index: Int) -> JSONError { within("[\(index)]") }

    private func within(_ outer: String) -> JSONError {
        var error = self
        guard path.utf8.count < Self.pathBytesMax else {
            if !path.hasPrefix("...") { error.path = "..." + path }
            return error
        }
        error.path = path.isEmpty || path.utf8.first == UInt8(ascii: "[") ? outer + path : outer + "." + path
        return error
    }
}
