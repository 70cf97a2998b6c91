// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import CRollcallProcess
internal import NIOPosix
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// A running command: in a process group of its own (so that a Ctrl-C at the terminal reaches only `rollcall run`,
/// which drains first), with the standard streams of this process and no other of its descriptors. Where standard
/// input is a terminal, the command gets /dev/null instead: a process group in the background is stopped when it reads
/// from one.
///
/// On Linux the command is sent SIGTERM when this process ends without having ended it, by SIGKILL for example.
final class ChildProcess: Sendable {
    /// The process id, and the id of the process group.
    let id: pid_t

    /// Whether the id has been given back to the system, after which it may be another's. Guards every `kill`.
    private let wasReaped = Mutex(false)

    private init(id: pid_t) {
        self.id = id
    }

    /// Starts `command`.
    ///
    /// - Parameters:
    ///   - command: The program, looked up in PATH, and its arguments; not empty.
    ///   - environment: Variables that are added to those of this process.
    ///   - onExit: Called once, on a thread of its own, when the command has ended.
    static func start(
        _ command: [String], environment: [String: String], onExit: @escaping @Sendable (ChildExit) -> Void
    ) async throws -> ChildProcess {
        precondition(!command.isEmpty, "a command has at least its name")
        // One thread starts the command and waits for its end: the parent death signal is bound to the thread that
        // forked.
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        return try await withCheckedThrowingContinuation { continuation in
            thread.submit { _ in
                defer { thread.shutdownGracefully { _ in } }
                let child: ChildProcess
                do {
                    child = ChildProcess(id: try spawn(command, environment: environment))
                } catch {
                    continuation.resume(throwing: error)
                    return
                }
                continuation.resume(returning: child)
                onExit(child.waitForExit())
            }
        }
    }

    /// Sends a signal to the command and to those of its children that have stayed in its process group. Does nothing
    /// once the command has ended.
    func send(_ signal: CInt) {
        wasReaped.withLock { wasReaped in
            if !wasReaped { _ = kill(-id, signal) }
        }
    }

    private func waitForExit() -> ChildExit {
        var information = siginfo_t()
        // Leaves the process waitable, so that its id stays taken until the lock is held.
        while waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        return wasReaped.withLock { wasReaped in
            var status: CInt = 0
            while waitpid(id, &status, 0) < 0 && errno == EINTR {}
            wasReaped = true
            return ChildExit(waitStatus: status)
        }
    }

    private static func spawn(_ command: [String], environment: [String: String]) throws(LaunchError) -> pid_t {
        let path = try ExecutableLookup.find(command[0], path: getenv("PATH").map { String(cString: $0) })
        // An ignored SIGCHLD, inherited from whoever started this process, would hide the command's exit status.
        signal(SIGCHLD, SIG_DFL)
        let resetSignals = [SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGCHLD]
        let nullInput: CInt = isatty(STDIN_FILENO) == 1 ? 1 : 0

        var id: pid_t = 0
        let arguments = CStringArray(command)
        let variables = CStringArray(inheriting: environment)
        let failure = rollcall_spawn(
            path, arguments.pointer, variables.pointer, resetSignals, CInt(resetSignals.count), SIGTERM, nullInput, &id)
        guard failure == 0 else {
            let code: Int32 = failure == ENOENT ? 127 : 126
            throw LaunchError(command: command[0], reason: String(cString: strerror(failure)), code: code)
        }
        return id
    }
}

/// An array of C strings, ended by a null pointer, that lives as long as this value.
private struct CStringArray: ~Copyable {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        self.init(owned: strings.map { strdup($0) })
    }

    /// The environment of this process, with `additions` in the place of variables of the same name. Values are passed
    /// on byte by byte, whatever their encoding.
    init(inheriting additions: [String: String]) {
        var entries: [UnsafeMutablePointer<CChar>?] = []
        var next = rollcall_environment()
        while let current = next, let entry = current.pointee {
            let isReplaced = additions.keys.contains { name in
                strncmp(entry, name + "=", name.utf8.count + 1) == 0
            }
            if !isReplaced { entries.append(strdup(entry)) }
            next = current + 1
        }
        entries += additions.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") }
        self.init(owned: entries)
    }

    private init(owned entries: [UnsafeMutablePointer<CChar>?]) {
        count = entries.count
        pointer = .allocate(capacity: entries.count + 1)
        pointer.initialize(from: entries + [nil], count: entries.count + 1)
    }

    deinit {
        for index in 0 ..< count { free(pointer[index]) }
        pointer.deallocate()
    }
}
