// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall

/// Renews the lease of an instance once.
struct HeartbeatCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "heartbeat", abstract: "Renew the lease of an instance, once.")

    @OptionGroup var instance: InstanceArguments
    @OptionGroup var options: RegistryOptions

    func run(on connection: RegistryConnection) async throws {
        let key = instance.key
        switch try await connection.registry.heartbeat(key, incarnation: instance.life) {
        case .renewed:
            answer(table: "renewed \(key)\n", json: JSONText.done("renewed", key))
        case .unknown:
            throw RegistryError.unknownInstance("heartbeat", key)
        case .fenced(let current):
            throw RegistryError.fenced("heartbeat", key, named: instance.life ?? current, current: current)
        }
    }
}
