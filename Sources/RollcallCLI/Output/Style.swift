// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Colours, when they are wanted.
struct Style: Hashable, Sendable {
    /// An SGR attribute (ECMA-48, 8.3.117).
    enum Attribute: Int, Sendable {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
        case cyan = 36
    }

    let isColoured: Bool

    static let plain = Style(isColoured: false)
    static let coloured = Style(isColoured: true)

    /// The style of standard output: colours only on a terminal that is not `dumb`, and not when NO_COLOR is set to
    /// anything but the empty string (no-color.org).
    static func standardOutput() -> Style {
        Style(
            isTerminal: isatty(STDOUT_FILENO) == 1, noColor: variable("NO_COLOR"), terminal: variable("TERM"))
    }

    init(isTerminal: Bool, noColor: String?, terminal: String?) {
        self.init(isColoured: isTerminal && (noColor ?? "").isEmpty && terminal != "dumb")
    }

    private init(isColoured: Bool) {
        self.isColoured = isColoured
    }

    /// `text`, with the attribute when colours are on.
    func apply(_ attribute: Attribute?, to text: String) -> String {
        guard isColoured, let attribute, !text.isEmpty else { return text }
        return "\u{1B}[\(attribute.rawValue)m\(text)\u{1B}[0m"
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
