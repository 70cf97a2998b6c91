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

    /// Whether all addresses in the URL are this machine's loopback.
    static func isOnThisMachine(_ url: String) -> Bool {
        guard let slashes = url.firstRange(of: "://") else { return true }
        let authority = url[slashes.upperBound...].prefix { $0 != "/" && $0 != "?" }
        return authority.split(separator: ",").allSatisfy { address in
            address.hasPrefix("127.") || address.hasPrefix("localhost") || address.hasPrefix("[::1]")
        }
    }
}
