// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// A registry that a command talks to.
struct RegistryConnection: Sendable {
    let registry: any Registry
    /// Releases what the connection holds.
    let close: @Sendable () async -> Void

    static func open(_ url: String) throws(RegistryError) -> RegistryConnection {
        let registry = LocalRegistry()
        return RegistryConnection(registry: registry) { await registry.shutdown() }
    }
}
