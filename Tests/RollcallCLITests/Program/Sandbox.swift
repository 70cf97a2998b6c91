// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Foundation
import Rollcall
import Synchronization
import Testing

@testable import RollcallCLI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A folder and the processes of the built program that a test starts; all gone at its end.
final class Sandbox: Sendable {
    let folder: String
    private let processes = Mutex<[Process]>([])

    /// A process of the program, its output in files.
    final class Process: Sendable {
        let child: ChildProcess
        private let outputPath: String
        private let errorPath: String
        private let exit: Task<ChildExit, Never>

        fileprivate init(_ child: ChildProcess, output: String, errors: String, exit: Task<ChildExit, Never>) {
            self.child = child
            outputPath = output
            errorPath = errors
            self.exit = exit
        }

        /// What it has written to standard output so far.
        var output: String { read(outputPath) }
        /// What it has written to standard error so far.
        var errors: String { read(errorPath) }

        /// Waits for its end.
        func code() async -> Int32 { await exit.value.code }

        private func read(_ path: String) -> String {
            (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        }
    }

    /// What a command that has ended left behind.
    struct Finished: Sendable {
        let code: Int32
        let output: String
        let errors: String

        /// The output as JSON.
        var json: JSONValue {
            get throws { try JSONValue.parse(Array(output.utf8)) }
        }
    }

    /// Runs `body`, then ends what it has started and removes the folder.
    static func use(_ body: (Sandbox) async throws -> Void) async throws {
        let sandbox = Sandbox(folder: NSTemporaryDirectory() + "rollcall-test-" + UUID().uuidString)
        try FileManager.default.createDirectory(atPath: sandbox.folder, withIntermediateDirectories: true)
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(sandbox))
        } catch {
            result = .failure(error)
        }
        for process in sandbox.processes.withLock({ $0 }) {
            // SIGTERM first: `rollcall run` ends its command.
            process.child.send(SIGTERM)
            process.child.send(SIGINT)
            _ = await process.code()
        }
        try FileManager.default.removeItem(atPath: sandbox.folder)
        try result.get()
    }

    private init(folder: String) {
        self.folder = folder
    }

    /// The folder of this test's own file, which the programs are in as well.
    private static let programs: String = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }()

    /// Starts the program, or another one: of this package by its name, of the system by its path.
    func start(
        _ arguments: [String], environment: [String: String] = [:], program: String = "rollcall"
    ) async throws -> Process {
        let (output, errors) = (folder + "/" + UUID().uuidString, folder + "/" + UUID().uuidString)
        let (exits, exit) = AsyncStream.makeStream(of: ChildExit.self)
        // The environment of whoever runs the tests must not decide what they see.
        let variables = [
            "OUT": output, "ERR": errors, "ROLLCALL_REGISTRY": "", "HOME": folder, "XDG_STATE_HOME": folder + "/state",
        ].merging(environment) { $1 }
        let path = program.hasPrefix("/") ? program : Self.programs + "/" + program
        let child = try await ChildProcess.start(
            ["sh", "-c", "exec \"$@\" > \"$OUT\" 2> \"$ERR\"", "sh", path] + arguments,
            environment: variables
        ) { end in
            exit.yield(end)
            exit.finish()
        }
        let end = Task {
            for await end in exits { return end }
            return ChildExit.exited(-1)
        }
        let process = Process(child, output: output, errors: errors, exit: end)
        processes.withLock { $0.append(process) }
        return process
    }

    /// Runs the program, or another one of this package, to its end.
    @discardableResult
    func run(
        _ arguments: String..., environment: [String: String] = [:], program: String = "rollcall"
    ) async throws -> Finished {
        let process = try await start(arguments, environment: environment, program: program)
        let code = await process.code()
        return Finished(code: code, output: process.output, errors: process.errors)
    }

    /// Writes a file into the folder.
    func write(_ text: String, to name: String) throws -> String {
        let path = folder + "/" + name
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }
}

/// Asks again until the answer is yes; a failure after about half a minute.
func eventually(
    _ what: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        // Another process does not tell this one when it has got so far.
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("it never came to be: \(what)", sourceLocation: sourceLocation)
    throw CancellationError()
}
