// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser

/// The root of the command line.
@main
struct RollcallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollcall",
        abstract: "A service registry: who is there, where, and can be trusted with a request right now.",
        discussion: """
            Exit codes: 0 done; 1 the registry said no or knows no such thing; 64 wrong usage; 69 the registry is not \
            available; 78 wrong configuration. `rollcall --version` shows the version.
            """,
        subcommands: [
            ServeCommand.self, RunCommand.self,
            RegisterCommand.self, DeregisterCommand.self, HeartbeatCommand.self, DrainCommand.self,
            MaintenanceCommand.self, EnableCommand.self, CheckCommand.self, ServicesCommand.self, InstancesCommand.self,
            ResolveCommand.self, WatchCommand.self,
        ])

    static let version = "0.1.0"

    /// `--version` is understood here and only alone: as an option of the root, ArgumentParser would take it from the
    /// subcommands, where it is the version of an instance's software.
    static func main() async {
        if CommandLine.arguments.dropFirst().elementsEqual(["--version"]) {
            Terminal.print("\(version)\n")
        } else {
            await main(nil)
        }
    }
}
