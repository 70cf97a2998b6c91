// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A regular expression in the syntax of RE2, which Consul's `matches` uses.
///
/// Patterns come from outside, so matching must not take more than time linear in the text: all ways through the
/// pattern are followed side by side, one character at a time (Ken Thompson, "Regular Expression Search Algorithm",
/// CACM 1968; the form with assertions is Rob Pike's). There are no back-references and no look-around in this syntax.
/// Whether a repetition is lazy, and what a group captures, is read and makes no difference: only whether there is a
/// match is told.
struct RegularExpression: Sendable {
    /// The most steps that a pattern may be made of; `x{1000}` has 1000.
    static let largestProgram = 4000

    private let program: RegexProgram

    /// - Throws: When `pattern` is no regular expression, or too large a one.
    init(_ pattern: String) throws(RegularExpressionError) {
        program = try RegexCompiler.compile(RegexParser.parse(pattern), of: pattern)
    }

    /// - Parameter pattern: UTF-8.
    init(_ pattern: [UInt8]) throws(RegularExpressionError) {
        guard let text = String(validating: pattern, as: UTF8.self) else {
            throw RegularExpressionError("invalid UTF-8", String(decoding: pattern, as: UTF8.self))
        }
        try self.init(text)
    }

    /// Whether the expression matches somewhere in `text`.
    func matches(_ text: String) -> Bool {
        var threads = RegexThreads(program)
        var characters = text.unicodeScalars.makeIterator()
        var previous: Unicode.Scalar?
        var next = characters.next()
        while true {
            if threads.advance(from: previous, to: next) { return true }
            guard let character = next else { return false }
            threads.take(character)
            previous = character
            next = characters.next()
        }
    }
}

/// Why a text is no regular expression.
struct RegularExpressionError: Error, Sendable, Hashable, CustomStringConvertible {
    let problem: String
    /// The part of the expression that is wrong.
    let part: String

    init(_ problem: String, _ part: String) {
        self.problem = problem
        self.part = part
    }

    var description: String { "error parsing regexp: \(problem): `\(part)`" }
}
