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
            available; 78 wrong configuration.
            """,
        subcommands: [
            ServeCommand.self, RunCommand.self,
            RegisterCommand.self, DeregisterCommand.self, HeartbeatCommand.self, DrainCommand.self,
            MaintenanceCommand.self, EnableCommand.self, ServicesCommand.self, InstancesCommand.self,
            ResolveCommand.self, WatchCommand.self,
        ])

    // Not `CommandConfiguration.version`: every subcommand would take --version, which says something else there.
    @Flag(name: .customLong("version"), help: "Show the version.")
    var showsVersion = false

    func run() async throws {
        guard showsVersion else { throw CleanExit.helpRequest(self) }
        Terminal.print("0.1.0\n")
    }
}
