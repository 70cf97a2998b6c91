// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Logging
internal import Rollcall
internal import RollcallRegistries

/// What every command that talks to a registry takes.
struct RegistryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The registry, such as rollcall://HOST:PORT. (default: $ROLLCALL_REGISTRY, or \(Self.standardURL))",
            valueName: "url"))
    var registry: String?

    @Option(help: "The form of the answer.")
    var output: OutputFormat = .table

    static let standardURL = "rollcall://127.0.0.1:8500"

    /// The URL from the flag, the environment or the default.
    var url: String { registry ?? EnvironmentVariable.value("ROLLCALL_REGISTRY") ?? Self.standardURL }
}

/// A command that opens a registry, asks or tells it something, and prints the answer.
protocol RegistryCommand: AsyncParsableCommand {
    var options: RegistryOptions { get }

    /// Does the command's work.
    ///
    /// - Throws: `RegistryError`, which is told to the person by the caller, or an `ExitCode` when that was done
    ///   already.
    func run(on connection: RegistryConnection) async throws
}

extension RegistryCommand {
    mutating func run() async throws {
        let url = options.url
        do {
            let connection = try await RegistryConnection.openTellingFailure(url, logger: Self.logger)
            do {
                try await run(on: connection)
            } catch {
                await connection.close()
                throw error
            }
            await connection.close()
        } catch let error as RegistryError {
            Terminal.complain(error.explanation(url: url))
            throw error.exitCode
        }
    }

    /// Errors are told by the command: what the registry logs about them would say it twice.
    private static var logger: Logger {
        Logger(label: "rollcall") { _ in TerminalLogHandler(logLevel: .critical) }
    }

    /// Prints the answer in the form that was asked for.
    func answer(table: @autoclosure () -> String, json: @autoclosure () -> String) {
        switch options.output {
        case .table: Terminal.print(table())
        case .json: Terminal.print(json())
        }
    }
}

extension RegistryError {
    /// The code that a command ends with when this happened to it.
    var exitCode: ExitCode {
        switch code {
        case .unavailable, .overloaded, .closed, .storage, .storageFull: .registryUnavailable
        default: .refused
        }
    }

    /// One line for a person, with the next step where there is one.
    func explanation(url: String) -> String {
        guard code == .unavailable else { return description }
        let (shown, program) = (RegistryURL.shown(url), url.hasPrefix("consul") ? "Consul" : "`rollcall serve`")
        return "the registry at \(shown) cannot be reached: \(description); is \(program) running there?"
    }
}
