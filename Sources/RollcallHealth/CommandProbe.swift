// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall
internal import Subprocess
internal import SystemPackage

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Runs a command of the registration on this machine: 0 is passing, 1 warning, everything else critical.
///
/// Whoever can register an instance chooses what is run: it is to be used only where that is meant. The command has a
/// process group of its own, which is killed at the time-out; of this process's environment it gets `PATH` alone.
public struct CommandProbe: HealthProbe {
    /// What of the output is kept.
    static let outputBytes = 4096

    /// A probe without state: one serves all checks.
    public init() {}

    public func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult {
        guard case .command(let arguments) = check.kind, let program = arguments.first else { return .wrongKind(check) }
        do {
            return try await run(program, Array(arguments.dropFirst()), check.timeout, instance)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            return CheckResult(.critical, "\(program): no such command")
        } catch {
            return CheckResult(.critical, "\(program): cannot be run: \(error)")
        }
    }

    private func run(
        _ program: String, _ arguments: [String], _ timeout: Duration, _ instance: ServiceInstance
    ) async throws -> CheckResult {
        var options = PlatformOptions()
        options.processGroupID = 0
        let executable: Executable = program.contains("/") ? .path(FilePath(program)) : .name(program)
        let result = try await Subprocess.run(
            executable, arguments: Arguments(arguments), environment: Self.environment(instance),
            platformOptions: options, input: .none, output: .sequence, error: .combinedWithOutput
        ) { execution in
            let group = execution.processIdentifier.value
            let killer = Task {
                try await Task.sleep(for: timeout)
                kill(-group, SIGKILL)
            }
            let output = try await Self.read(execution.standardOutput)
            killer.cancel()
            // Without a result it was cancelled before its time.
            let wasKilled = (try? await killer.value) != nil
            return (output, wasKilled)
        }
        let (bytes, wasKilled) = result.closureResult
        let output = String(decoding: bytes, as: UTF8.self)
        if wasKilled { return CheckResult(.critical, "\(program): killed after \(timeout.spoken)\n\(output)") }
        switch result.terminationStatus {
        case .exited(0): return CheckResult(.passing, output)
        case .exited(1): return CheckResult(.warning, output)
        case .exited(let code): return CheckResult(.critical, "\(program): exit status \(code)\n\(output)")
        case .signaled(let signal): return CheckResult(.critical, "\(program): ended by signal \(signal)\n\(output)")
        }
    }

    /// The first bytes; the rest is read as well, so that the command is not stopped by a full pipe.
    private static func read(_ sequence: SubprocessOutputSequence) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await buffer in sequence {
            let room = outputBytes - bytes.count
            if room > 0 { buffer.withUnsafeBytes { bytes.append(contentsOf: $0.prefix(room)) } }
        }
        return bytes
    }

    private static func environment(_ instance: ServiceInstance) -> Environment {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        return .custom([
            "PATH": path, "ROLLCALL_SERVICE": instance.service.value, "ROLLCALL_INSTANCE": instance.id.value,
            "ROLLCALL_HOST": instance.host, "ROLLCALL_PORT": "\(instance.port)",
        ])
    }
}
