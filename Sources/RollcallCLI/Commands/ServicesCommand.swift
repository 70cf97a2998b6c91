// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// Lists the services.
struct ServicesCommand: RegistryCommand {
    static let configuration = CommandConfiguration(commandName: "services", abstract: "List the services.")

    @OptionGroup var options: RegistryOptions

    func run(on connection: RegistryConnection) async throws {
        let services = try await connection.registry.services()
        answer(
            table: InstanceTable.services(services).render(.standardOutput()), json: JSONText.services(services))
    }
}
