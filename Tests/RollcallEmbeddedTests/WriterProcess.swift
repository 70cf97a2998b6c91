// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Dispatch
import Foundation

/// The program `CrashWriter` as a child process.
struct WriterProcess: Sendable {
    private let process: Process
    private let output = Pipe()

    /// A writer that registers until it is ended.
    init(_ path: String, prefix: String, writers: Int, asNobody: Bool = false) throws {
        let arguments = [Self.program, path, prefix, "\(writers)"]
        try self.init(
            asNobody ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] + arguments : arguments)
    }

    /// A writer that commits records and registers until it is ended.
    init(recordsIn path: String, prefix: String, writers: Int) throws {
        try self.init([Self.program, "records", path, prefix, "\(writers)"])
    }

    /// A writer that fills a disk of its own, and makes room again.
    init(onDiskOfMegabytes megabytes: Int, at path: String) throws {
        let mount = "mount -t tmpfs -o size=\(megabytes)m tmpfs \"$0\" && exec \"$1\" fill \"$0\""
        try self.init(["unshare", "--mount", "sh", "-c", mount, path, Self.program])
    }

    private init(_ command: [String]) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    /// Reads what the writer says until it has ended, one way or the other.
    ///
    /// - Parameter limit: After so many lines the writer is ended with SIGKILL; what it had said until then counts.
    /// - Returns: The complete lines.
    func lines(killAfter limit: Int?) async -> [String] {
        await withCheckedContinuation { continuation in
            // A thread of its own: it waits for the pipe.
            DispatchQueue.global().async {
                var bytes = Data()
                var newlines = 0
                var isKilled = false
                while true {
                    let more = output.fileHandleForReading.availableData
                    if more.isEmpty { break }
                    bytes.append(more)
                    newlines += more.count { $0 == 0x0A }
                    if let limit, newlines >= limit, !isKilled {
                        kill(process.processIdentifier, SIGKILL)
                        isKilled = true
                    }
                }
                process.waitUntilExit()
                let complete = bytes.prefix(through: bytes.lastIndex(of: 0x0A) ?? bytes.startIndex)
                let lines = String(decoding: complete, as: UTF8.self).split(separator: "\n").map(String.init)
                continuation.resume(returning: lines)
            }
        }
    }

    /// Beside the program that runs the tests.
    private static var program: String {
        let tests = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
        return tests.deletingLastPathComponent().appendingPathComponent("CrashWriter").path
    }

    /// Whether this process may mount a file system in a namespace of its own.
    static let canMount: Bool = {
        guard geteuid() == 0 else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["unshare", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()
}
