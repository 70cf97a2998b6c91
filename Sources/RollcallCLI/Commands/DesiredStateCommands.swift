// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// A command that says what is wanted of an instance.
protocol DesiredStateCommand: RegistryCommand {
    var instance: InstanceArguments { get }
    var desired: DesiredState { get }
}

extension DesiredStateCommand {
    func run(on connection: RegistryConnection) async throws {
        let after = try await connection.registry.update(
            instance.key, incarnation: instance.life, .desired(desired))
        let style = Style.standardOutput()
        let status = style.apply(InstanceTable.attribute(after.status), to: after.status.rawValue)
        answer(table: "\(after.key.description.printable) is \(status)\n", json: JSONText.instance(after))
    }
}

/// Lets an instance finish what it does.
struct DrainCommand: DesiredStateCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Send no new traffic to an instance; what runs may finish.")

    @OptionGroup var instance: InstanceArguments

    @Option(help: "Why.")
    var reason = ""

    @Option(name: .customLong("for"), help: "Tell callers that it will be gone after this time.")
    var time: DurationArgument?

    @OptionGroup var options: RegistryOptions

    var desired: DesiredState {
        let until = time.map { time in
            WallTime(
                millisecondsSinceEpoch: WallTime.current().millisecondsSinceEpoch + time.duration.wholeMilliseconds)
        }
        return .draining(until: until, reason: reason)
    }
}

/// Takes an instance out of service.
struct MaintenanceCommand: DesiredStateCommand {
    static let configuration = CommandConfiguration(
        commandName: "maintenance",
        abstract: "Take an instance out of service until it is enabled again.",
        discussion: "Maintenance outlives a restart of the instance.")

    @OptionGroup var instance: InstanceArguments

    @Option(help: "Why.")
    var reason: String

    @OptionGroup var options: RegistryOptions

    var desired: DesiredState { .maintenance(reason: reason) }
}

/// Ends a drain or a maintenance.
struct EnableCommand: DesiredStateCommand {
    static let configuration = CommandConfiguration(
        commandName: "enable", abstract: "Put an instance back into service after drain or maintenance.")

    @OptionGroup var instance: InstanceArguments
    @OptionGroup var options: RegistryOptions

    var desired: DesiredState { .enabled }
}
