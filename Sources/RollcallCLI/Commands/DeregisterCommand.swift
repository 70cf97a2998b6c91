// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// Removes an instance.
struct DeregisterCommand: RegistryCommand {
    static let configuration = CommandConfiguration(commandName: "deregister", abstract: "Remove an instance.")

    @OptionGroup var instance: InstanceArguments
    @OptionGroup var options: RegistryOptions

    func run(on connection: RegistryConnection) async throws {
        try await connection.registry.deregister(instance.key, incarnation: instance.life)
        answer(table: "deregistered \(instance.key)\n", json: JSONText.done("deregistered", instance.key))
    }
}
