// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Logging
public import Rollcall
internal import RollcallRemote

/// Opens registries by URL: the one place that knows every kind.
public enum Registries {
    /// Opens the registry that `url` names.
    ///
    /// A registry of servers is opened without asking them: one that cannot be reached now may be there later.
    ///
    /// - Parameter url: One of ``RegistryURL/forms``.
    /// - Throws: `invalid` for a URL that cannot be used, or why the registry could not be opened.
    public static func open(
        _ url: String, time: TimeSource = .system, logger: Logger = Logger(label: "rollcall.registry")
    ) async throws(RegistryError) -> OpenedRegistry {
        switch try RegistryURL(url) {
        case .memory:
            let registry = LocalRegistry(time: time, logger: logger)
            return OpenedRegistry(url: url, registry: registry) { await registry.shutdown() }
        case .embedded:
            throw RegistryError(.unsupported, "registry \(url): this build keeps no registry in a file")
        case .remote(let addresses):
            let registry = RemoteRegistry(addresses: addresses, time: time, logger: logger)
            return OpenedRegistry(url: url, registry: registry) { await registry.shutdown() }
        }
    }
}

/// A registry that was opened by its URL, to be closed when it is no longer used.
public struct OpenedRegistry: Sendable {
    public let url: String
    public let registry: any Registry
    private let shutdown: @Sendable () async -> Void

    init(url: String, registry: any Registry, shutdown: @escaping @Sendable () async -> Void) {
        self.url = url
        self.registry = registry
        self.shutdown = shutdown
    }

    /// Finishes what is under way, ends all watches and gives back what the registry holds. Later calls of the registry
    /// throw.
    public func close() async { await shutdown() }
}
