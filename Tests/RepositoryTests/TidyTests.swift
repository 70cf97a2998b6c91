// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Testing

/// The rules of this repository that a reader should not have to watch over.
@Suite("The source tree")
struct TidyTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    struct Source: Sendable, CustomTestStringConvertible {
        let path: String
        let lines: [Substring]
        var testDescription: String { path }
    }

    /// All Swift sources below `folders`, without what a generator wrote.
    static func sources(_ folders: String...) throws -> [Source] {
        try folders.flatMap { folder -> [Source] in
            let files = FileManager.default.enumerator(
                at: root.appending(path: folder), includingPropertiesForKeys: nil)
            return try (files?.allObjects as? [URL] ?? []).compactMap { file in
                guard file.pathExtension == "swift", !file.lastPathComponent.hasSuffix(".pb.swift") else { return nil }
                let text = try String(contentsOf: file, encoding: .utf8)
                let path = String(file.path().dropFirst(root.path().count))
                return Source(path: path, lines: text.split(separator: "\n", omittingEmptySubsequences: false))
            }
        }
    }

    @Test("every file begins with the same two lines")
    func headers() throws {
        let sources = try Self.sources("Sources", "Tests", "Examples")
        #expect(sources.count > 50)
        for source in sources {
            #expect(
                source.lines.prefix(2) == ["// SPDX-License-Identifier: Apache-2.0", "// Rollcall"], "\(source.path)")
        }
    }

    @Test("no line is longer than 120 columns, and none ends in white space")
    func lines() throws {
        for source in try Self.sources("Sources", "Examples") {
            for (number, line) in source.lines.enumerated() {
                #expect(line.count <= 120, "\(source.path):\(number + 1) has \(line.count) columns")
                #expect(line.last?.isWhitespace != true, "\(source.path):\(number + 1) ends in white space")
            }
        }
    }

    @Test("no file of code is longer than 500 lines")
    func sizes() throws {
        // The OpenAPI document is one document.
        for source in try Self.sources("Sources") where !source.path.hasSuffix("OpenAPIDocument.swift") {
            #expect(source.lines.count <= 500, "\(source.path) has \(source.lines.count) lines: one idea a file")
        }
    }

    /// What is not written in `Sources`, and why.
    static let banned: [(text: String, reason: String)] = [
        ("try!", "an error from outside must not end the process"),
        ("fatalError(", "say what is impossible with precondition, and handle what is possible"),
        ("nonisolated(unsafe)", "the compiler has to be able to prove it"),
        ("TODO", "what is not done belongs into an issue"),
        ("FIXME", "what is not done belongs into an issue"),
        ("NSLock", "Synchronization.Mutex"),
        ("DispatchQueue", "tasks, or event loops"),
    ]

    @Test("nothing is used that this project does without", arguments: banned.map(\.text))
    func bans(text: String) throws {
        let reason = Self.banned.first { $0.text == text }?.reason ?? ""
        for source in try Self.sources("Sources") {
            for (number, line) in source.lines.enumerated() where line.contains(text) {
                Issue.record("\(source.path):\(number + 1) uses \(text): \(reason)")
            }
        }
    }

    @Test("an unchecked promise to the compiler is explained in the lines above it")
    func uncheckedSendable() throws {
        for source in try Self.sources("Sources") {
            for (number, line) in source.lines.enumerated() where line.contains("@unchecked Sendable") {
                let above = source.lines[max(0, number - 6) ..< number]
                #expect(
                    above.contains { $0.contains("//") }, "\(source.path):\(number + 1) does not say why it is safe")
            }
        }
    }

    @Test("the core knows no sockets, no Foundation and no clock but the one it is given")
    func core() throws {
        let clocks = ["ContinuousClock.now", "SuspendingClock.now", "Date()", "Task.sleep"]
        for source in try Self.sources("Sources/Rollcall/") {
            for (number, line) in source.lines.enumerated() {
                let imported = line.split(separator: " ").drop { $0 != "import" }.dropFirst().first ?? ""
                #expect(
                    !imported.hasPrefix("Foundation") && !imported.hasPrefix("NIO"),
                    "\(source.path):\(number + 1) imports \(imported)")
                for clock in clocks where line.contains(clock) && !line.contains("//") {
                    Issue.record("\(source.path):\(number + 1) reads \(clock)")
                }
            }
        }
    }

    @Test("targets import only what the architecture lets them")
    func imports() throws {
        let forbidden: [(folder: String, modules: [String])] = [
            ("Sources/RollcallServer", ["GRDB", "RollcallEmbedded", "RollcallRemote", "AsyncHTTPClient"]),
            ("Sources/RollcallRemote", ["RollcallServer", "Hummingbird", "GRDB"]),
            ("Sources/RollcallEmbedded", ["RollcallServer", "RollcallRemote", "NIOCore"]),
            ("Sources/RollcallTesting", ["RollcallServer", "RollcallRemote", "RollcallEmbedded", "NIOCore"]),
        ]
        for (folder, modules) in forbidden {
            for source in try Self.sources(folder) {
                for line in source.lines where line.contains("import ") && !line.hasPrefix("//") {
                    let module = line.split(separator: " ").last.map(String.init) ?? ""
                    #expect(!modules.contains(module), "\(source.path) imports \(module)")
                }
            }
        }
    }

    @Test("tests wait for events, not for time")
    func sleeps() throws {
        for source in try Self.sources("Tests") where !source.path.hasSuffix("TidyTests.swift") {
            for (number, line) in source.lines.enumerated() where line.contains("Task.sleep") {
                #expect(
                    source.lines[max(0, number - 3) ... number].contains { $0.contains("//") },
                    "\(source.path):\(number + 1) sleeps without saying why nothing can be waited for")
            }
        }
    }
}
