// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Testing

@Suite("The documentation comments")
struct DocumentationTests {
    @Test("every public symbol has one, or is asked for by a protocol that says what it is")
    func complete() throws {
        var symbols = PublicSymbols()
        for source in try TidyTests.sources("Sources") {
            symbols.add(source.lines.joined(separator: "\n"), of: source.path)
        }
        // Fewer would mean that they are no longer found.
        #expect(symbols.all.count > 1000)
        for (path, symbol) in symbols.undocumented {
            Issue.record("\(path):\(symbol.line) does not say what \(symbol.path) is")
        }
    }

    private func undocumented(_ texts: String...) -> [String] {
        var symbols = PublicSymbols()
        for text in texts { symbols.add(text, of: "Example.swift") }
        return symbols.undocumented.map(\.symbol.path)
    }

    @Test("are asked of what others can see, and of nothing else")
    func visibility() {
        let text = """
            public struct Shown {
                public let first: Int, second = "}"
                let third = 3
                public init(_ first: Int, of other: @escaping (Int) -> Void = { _ in public() }) {
                    public func local() {}
                }
                public enum Kind {
                    case one, two
                    private enum Hidden { case four }
                }
                public private(set) static var count = 0
                @inlinable
                public func read<Value: Sendable>(
                    _ value: Value, until deadline: Int
                ) -> Value { value }
                public subscript(index: Int) -> Int { index }
            }
            struct Hidden {
                public var value: Int
            }
            extension Hidden { public func other() {} }
            extension Int { public var twice: Int { self * 2 } }
            """
        #expect(
            undocumented(text) == [
                "Shown", "Shown.first", "Shown.init(_:of:)", "Shown.Kind", "Shown.Kind.one", "Shown.count",
                "Shown.read(_:until:)", "Shown.subscript(index:)", "Int.twice",
            ])
    }

    @Test("count above attributes, and not when they stand elsewhere")
    func places() {
        let text = """
            /// Said.
            @frozen
            public struct Said {
                // Only a note.
                public var note = 0  /// Behind.
                /// Said.
                @inlinable public static func said() {}

                public func unsaid() {}
                /** Said. */
                public func block() {}
            }
            """
        #expect(undocumented(text) == ["Said.note", "Said.unsaid()"])
    }

    @Test("are the protocol's for what it asks for, in whichever file that is")
    func conformances() {
        let asked = """
            /// Said.
            public protocol Asked {
                /// Said.
                func run(_ count: Int, until end: Int)
                func unsaid()
            }
            /// Said.
            public protocol More: Asked {}
            extension Asked {
                public func run(_ count: Int, until end: Int) {}
                public func run(_ count: Int) {}
            }
            """
        let answered = """
            /// Said.
            public struct Answer: Sendable, CustomStringConvertible {
                public var description: String { "" }
                public var debugDescription: String { "" }
                public static func == (left: Answer, right: Answer) -> Bool { true }
            }
            extension Answer: More {
                public func run(_ times: Int, until end: Int) {}
                public func run(twice end: Int) {}
            }
            extension Answer: Hashable where Self: Sendable {}
            """
        #expect(
            undocumented(answered, asked) == [
                "Answer.debugDescription", "Answer.run(twice:)", "Asked.unsaid()", "Asked.run(_:)",
            ])
    }

    @Test("are not misled by braces and keywords in comments and strings")
    func strings() {
        let text = ##"""
            /// Said {
            public enum Said { /* } /* public */ { */
                static let text = "{ \("}" + String(describing: ["{"])) \" {"
                static let raw = #"{ " \(public) \#("}") {"#
                static let long = """
                    public func no() {
                    "quoted" {
                    """
                public static let last = 1
            }
            public let after = 2
            """##
        #expect(undocumented(text) == ["Said.last", "after"])
    }
}
