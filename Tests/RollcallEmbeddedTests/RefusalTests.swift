// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import GRDB
import Rollcall
import RollcallEmbedded
import RollcallTesting
import Testing

@Suite("A registry file that cannot be used", .timeLimit(.minutes(1)))
struct RefusalTests {
    private func refusal(_ path: String) async -> EmbeddedError? {
        do {
            await (try EmbeddedRegistry.open(path: path)).shutdown()
            return nil
        } catch {
            return error
        }
    }

    /// A folder with a registry of some instances that was closed.
    private func folder(instances: Int = 3) async throws -> TemporaryFolder {
        let fixture = try await EmbeddedFixture()
        for number in 0..<instances { try await fixture.registry.register(web("web-\(number)")) }
        try await fixture.close()
        return fixture.folder
    }

    private func edit(_ folder: TemporaryFolder, _ sql: String) throws {
        let queue = try DatabaseQueue(path: folder.path("rollcall.db"))
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }

    /// What every refusal has to say.
    private func expect(
        _ error: EmbeddedError?, _ code: EmbeddedError.Code, names file: String, says words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(error?.code == code, "\(String(describing: error))", sourceLocation: sourceLocation)
        let text = error?.description ?? ""
        #expect(text.contains(file), "\(text)", sourceLocation: sourceLocation)
        #expect(text.contains(words), "\(text)", sourceLocation: sourceLocation)
        #expect(error?.advice.isEmpty == false, sourceLocation: sourceLocation)
    }

    @Test("is refused when it is open already")
    func locked() async throws {
        let fixture = try await EmbeddedFixture()
        let error = await refusal(fixture.folder.path)
        expect(error, .locked, names: fixture.folder.path("rollcall.db"), says: "process \(getpid()) has it open")
        try await fixture.close()
        #expect(await refusal(fixture.folder.path) == nil)
    }

    @Test("is refused when it is no database")
    func notADatabase() async throws {
        let folder = try TemporaryFolder()
        let text = String(repeating: "this is a diary\n", count: 100)
        try text.write(toFile: folder.path("rollcall.db"), atomically: false, encoding: .utf8)

        let error = await refusal(folder.path)

        expect(error, .notADatabase, names: folder.path("rollcall.db"), says: "not a SQLite database")
        #expect(try String(contentsOfFile: folder.path("rollcall.db"), encoding: .utf8) == text)
    }

    @Test("is refused when it is cut off", arguments: [50, 100, 4096, 40_960])
    func truncated(_ bytes: UInt64) async throws {
        let folder = try await folder(instances: 300)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("rollcall.db")))
        try handle.truncate(atOffset: bytes)
        try handle.close()

        expect(await refusal(folder.path), .damaged, names: folder.path("rollcall.db"), says: "damaged")
    }

    @Test("is refused when a page of it is overwritten", arguments: [1, 5, 20])
    func overwritten(_ page: UInt64) async throws {
        let folder = try await folder(instances: 300)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: folder.path("rollcall.db")))
        try handle.seek(toOffset: page * 4096)
        var random = SeededGenerator(seed: page)
        try handle.write(contentsOf: Data((0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }))
        try handle.close()

        expect(await refusal(folder.path), .damaged, names: folder.path("rollcall.db"), says: "damaged")
    }

    @Test("is refused when the row of an instance is not one, and the instance is named")
    func unreadableRow() async throws {
        for change in [
            "UPDATE instance SET body = '{\"service\":\"web\"' WHERE id = 'web-1'",
            "UPDATE instance SET body = '{}' WHERE id = 'web-1'",
            "UPDATE instance SET body = x'ff00' WHERE id = 'web-1'",
            "UPDATE instance SET body = (SELECT body FROM instance WHERE id = 'web-2') WHERE id = 'web-1'",
        ] {
            let folder = try await folder()
            try edit(folder, change)
            let error = await refusal(folder.path)
            expect(error, .unreadableRow, names: folder.path("rollcall.db"), says: "instance web/web-1")
        }
    }

    @Test("is refused when a later version wrote it")
    func newerSchema() async throws {
        let folder = try await folder()
        try edit(folder, "UPDATE meta SET value = 3 WHERE name = 'schema_version'")
        expect(await refusal(folder.path), .newerSchema, names: folder.path("rollcall.db"), says: "schema 3")
    }

    @Test("is refused and left alone when it belongs to another program")
    func foreign() async throws {
        let folder = try TemporaryFolder()
        try edit(folder, "CREATE TABLE recipe (name TEXT)")
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.path("rollcall.db")))

        expect(await refusal(folder.path), .foreign, names: folder.path("rollcall.db"), says: "another program")

        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("rollcall.db"))) == before)
    }

    @Test("is refused when the path is not one")
    func paths() async throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("a/rollcall.db"), withIntermediateDirectories: true)
        try "".write(toFile: folder.path("file"), atomically: false, encoding: .utf8)

        expect(await refusal(folder.path("a")), .badPath, names: folder.path("a/rollcall.db"), says: "is a directory")
        expect(await refusal(folder.path("file")), .badPath, names: folder.path("file"), says: "is a file")
        expect(await refusal(folder.path("file/b")), .notReadable, names: folder.path("file"), says: "Not a directory")
        expect(await refusal("/proc/rollcall"), .badPath, names: "/proc/rollcall", says: "cannot be made")
        expect(await refusal(""), .badPath, names: "\"\"", says: "no path")
    }

    @Test("is made where the path says, with the directories above it")
    func made() async throws {
        let folder = try TemporaryFolder()
        for (path, file) in [
            ("a/b", "a/b/rollcall.db"), ("c/", "c/rollcall.db"), ("d/registry.sqlite", "d/registry.sqlite"),
            ("e.db", "e.db"), ("f.db/", "f.db/rollcall.db"),
        ] {
            #expect(await refusal(folder.path(path)) == nil)
            #expect(FileManager.default.fileExists(atPath: folder.path(file)), "\(path)")
        }
    }

    @Test("begins anew when it is empty, as a start leaves it that was ended at once")
    func empty() async throws {
        let folder = try TemporaryFolder()
        #expect(FileManager.default.createFile(atPath: folder.path("rollcall.db"), contents: nil))
        #expect(await refusal(folder.path) == nil)
    }

    @Test("is refused when it may not be read or written")
    func permissions() async throws {
        let folder = try await folder()
        let file = folder.path("rollcall.db")
        for (mode, code) in [(0o444, EmbeddedError.Code.notWritable), (0o000, .notReadable)] {
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
            if geteuid() != 0 {
                expect(await refusal(folder.path), code, names: file, says: "Permission denied")
            } else {
                // Root may do everything, so another user has to try.
                try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
                let writer = try WriterProcess(folder.path, prefix: "x", writers: 1, asNobody: true)
                let lines = await writer.lines(killAfter: nil)
                #expect(lines.count == 1)
                let text = lines.first ?? ""
                #expect(text.contains(file) && text.contains("Permission denied"), "\(text)")
            }
        }
    }
}
