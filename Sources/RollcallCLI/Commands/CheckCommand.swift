// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// Reports the result of a check.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Report the result of a check.",
        discussion: """
            For checks of the kind ttl, which turn critical when nothing is reported in time, and for checks that no \
            registration declares. The others are run by the server.
            """,
        subcommands: [CheckPassCommand.self, CheckWarnCommand.self, CheckFailCommand.self])
}

/// A command that reports one status.
protocol CheckReportCommand: RegistryCommand {
    static var status: HealthCheck.Status { get }
    var check: CheckReportArguments { get }
}

extension CheckReportCommand {
    func run(on connection: RegistryConnection) async throws {
        let instance = check.instance
        let update = InstanceUpdate.check(id: check.check, status: Self.status, output: check.note)
        let after = try await connection.registry.update(instance.key, incarnation: instance.life, update)
        let style = Style.standardOutput()
        let status = style.apply(InstanceTable.attribute(after.status), to: after.status.rawValue)
        answer(
            table: "\(check.check.printable) is \(Self.status), \(after.key.description.printable) is \(status)\n",
            json: JSONText.instance(after))
    }
}

/// Which check is reported, and what is said with it.
struct CheckReportArguments: ParsableArguments {
    @OptionGroup var instance: InstanceArguments

    @Argument(help: "The check.")
    var check: String

    @Option(help: "What is shown with the status.")
    var note = ""
}

struct CheckPassCommand: CheckReportCommand {
    static let configuration = CommandConfiguration(commandName: "pass", abstract: "The check is passing.")
    static let status = HealthCheck.Status.passing

    @OptionGroup var check: CheckReportArguments
    @OptionGroup var options: RegistryOptions
}

struct CheckWarnCommand: CheckReportCommand {
    static let configuration = CommandConfiguration(commandName: "warn", abstract: "The check warns.")
    static let status = HealthCheck.Status.warning

    @OptionGroup var check: CheckReportArguments
    @OptionGroup var options: RegistryOptions
}

struct CheckFailCommand: CheckReportCommand {
    static let configuration = CommandConfiguration(commandName: "fail", abstract: "The check is critical.")
    static let status = HealthCheck.Status.critical

    @OptionGroup var check: CheckReportArguments
    @OptionGroup var options: RegistryOptions
}
