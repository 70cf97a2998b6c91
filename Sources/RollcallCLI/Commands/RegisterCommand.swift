// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// Registers an instance that something else keeps alive.
struct RegisterCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "register",
        abstract: "Register an instance, or update it when it is registered.",
        discussion: """
            Its lease then has to be renewed with `rollcall heartbeat`, unless it is registered with --no-lease. To \
            start a command and keep it registered while it runs, use `rollcall run`.
            """)

    @Argument(help: "The service.")
    var service: String

    @Option(help: "The host name or address that callers reach it at.")
    var host: String

    @Option(help: "Its port.")
    var port: UInt16

    @OptionGroup var registration: RegistrationOptions

    @Flag(help: "No lease: it stays until it is deregistered.")
    var noLease = false

    @OptionGroup var options: RegistryOptions

    func run(on connection: RegistryConnection) async throws {
        let receipt = try await connection.registry.register(
            registration.registration(service: service, host: host, port: port, hasLease: !noLease))
        let instance = receipt.instance
        let verb = receipt.isNewLife ? "registered" : "updated"
        answer(
            table: "\(verb) \(instance.key) at \(instance.endpointURL), incarnation \(instance.incarnation)\n",
            json: JSONText.instance(instance))
    }
}
