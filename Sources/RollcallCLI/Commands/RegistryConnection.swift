// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Logging
internal import Rollcall
internal import RollcallConsul
internal import RollcallRegistries
internal import RollcallRemote

/// A registry that a command talks to.
struct RegistryConnection: Sendable {
    let registry: any Registry
    /// Releases what the connection holds.
    let close: @Sendable () async -> Void

    /// How long a command that a person waits for goes on asking servers that do not answer.
    static let patience: Duration = .seconds(2)

    /// Opens the registry at `url`. Servers are not asked yet.
    static func open(_ url: String, logger: Logger) async throws(RegistryError) -> RegistryConnection {
        var remote = RemoteConfiguration()
        remote.callTimeout = patience
        var consul = ConsulRegistryConfiguration()
        consul.callTimeout = patience
        let opened = try await Registries.open(url, remote: remote, consul: consul, logger: logger)
        return RegistryConnection(registry: opened.registry) { await opened.close() }
    }

    /// As ``open(_:logger:)``; why it failed has been told when it throws. A URL that cannot be used is wrong usage.
    static func openTellingFailure(_ url: String, logger: Logger) async throws(ExitCode) -> RegistryConnection {
        do throws(RegistryError) {
            return try await open(url, logger: logger)
        } catch {
            Terminal.complain(error.explanation(url: url))
            throw error.code == .invalid ? .validationFailure : error.exitCode
        }
    }

    /// Whether everything that `url` names is on this machine.
    static func isOnThisMachine(_ url: String) -> Bool {
        let addresses: [ServerAddress]
        switch try? RegistryURL(url) {
        case .remote(let servers, _): addresses = servers
        case .consul(let agents, _, _, _): addresses = agents
        case .memory, .embedded, nil: return true
        }
        return addresses.allSatisfy { $0.host.hasPrefix("127.") || $0.host == "localhost" || $0.host == "::1" }
    }
}
