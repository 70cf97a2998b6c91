// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// Lists the instances of a service.
struct InstancesCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "instances", abstract: "List the instances of a service.",
        discussion: """
            A service of which nothing is registered is exit code 1; that none of its instances matches a filter is \
            not.
            """)

    @Argument(help: "The service.")
    var service: String

    @Flag(help: "Only those that may be called: up or warning.")
    var healthy = false

    @OptionGroup var filter: InstanceFilter
    @OptionGroup var options: RegistryOptions

    func run(on connection: RegistryConnection) async throws {
        let snapshot = try await connection.registry.lookup(ServiceName(service))
        let instances = (healthy ? snapshot.healthy : snapshot.instances).filter(filter.matches)
        answer(
            table: InstanceTable.instances(instances).render(.standardOutput()),
            json: JSONText.instances(instances, of: snapshot))
        // Also in JSON: a script that misspelt the name would take the empty list for an answer.
        if snapshot.isEmpty {
            Terminal.complain("the service \(service) is not known: no instance of it is registered")
            throw ExitCode.refused
        }
    }
}
