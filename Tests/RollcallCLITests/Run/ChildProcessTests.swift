// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Testing

@testable import RollcallCLI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@Suite("ChildProcess", .timeLimit(.minutes(1)))
struct ChildProcessTests {
    private func exit(of command: [String], environment: [String: String] = [:]) async throws -> ChildExit? {
        let (exits, source) = AsyncStream.makeStream(of: ChildExit.self)
        _ = try await ChildProcess.start(command, environment: environment) { source.yield($0) }
        return await exits.first { _ in true }
    }

    @Test("the environment is this process's, with the additions in place of what had their name")
    func environment() async throws {
        let check = #"[ "$PATH" = "$1" ] && [ "$HOME" = there ] && [ "$(env | grep -c ^HOME=)" = 1 ] && exit 3"#
        let path = try #require(getenv("PATH").map { String(cString: $0) })
        let exit = try await exit(of: ["sh", "-c", check, "sh", path], environment: ["HOME": "there"])
        #expect(exit == .exited(3))
    }

    @Test("it leads a process group of its own")
    func processGroup() async throws {
        let check = #"[ "$(ps -o pgid= -p $$ | tr -d ' ')" = $$ ] && exit 3"#
        #expect(try await exit(of: ["sh", "-c", check]) == .exited(3))
    }

    @Test("it starts with no signal blocked and with the default action of the stop signals and SIGPIPE")
    func signals() async throws {
        let ignored: sig_t? = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, ignored) }
        #expect(try await exit(of: ["grep", "-Eq", "^SigBlk:\\s*0+$", "/proc/self/status"]) == .exited(0))
        #expect(try await exit(of: ["sh", "-c", "kill -PIPE $$; exit 9"]) == .signalled(SIGPIPE))
        #expect(try await exit(of: ["sh", "-c", "kill -TERM $$; exit 9"]) == .signalled(SIGTERM))
    }

    @Test("it inherits the standard streams and no other descriptor")
    func descriptors() async throws {
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let check = """
            for end in \(ends[0]) \(ends[1]); do [ -e /proc/$$/fd/$end ] && exit 4; done
            [ -e /proc/$$/fd/2 ] && exit 3
            """
        #expect(try await exit(of: ["sh", "-c", check]) == .exited(3))
    }

    @Test("a signal after its end reaches nobody")
    func lateSignal() async throws {
        let (exits, source) = AsyncStream.makeStream(of: ChildExit.self)
        let child = try await ChildProcess.start(["true"], environment: [:]) { source.yield($0) }
        #expect(await exits.first { _ in true } == .exited(0))
        child.send(SIGKILL)
    }

    #if os(Linux)
    @Test("it is ended when this process is killed")
    func parentKilled() async throws {
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let (readEnd, writeEnd) = (ends[0], ends[1])
        defer { close(readEnd) }

        // The command opens the pipe, kills its parent, and says how its own end came.
        let pipePath = "/proc/\(getpid())/fd/\(writeEnd)"
        await #expect(processExitsWith: .signal(SIGKILL)) { [pipePath = pipePath as String] in
            let program = """
                exec >\(pipePath)
                trap 'echo ended; kill $!; exit' TERM
                kill -9 $PPID
                sleep 5 &
                wait
                echo survived
                """
            _ = try await ChildProcess.start(["sh", "-c", program], environment: [:]) { _ in }
            // Until it is killed; a process that is not ends the test by its code.
            try await Task.sleep(for: .seconds(30))
        }
        close(writeEnd)

        var text = [UInt8](repeating: 0, count: 64)
        let count = read(readEnd, &text, text.count)
        #expect(String(decoding: text.prefix(max(count, 0)), as: UTF8.self) == "ended\n")
    }
    #endif
}
