// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Logging
public import Rollcall
public import RollcallConsul
internal import RollcallEmbedded
public import RollcallRemote
internal import RollcallTransport

/// Opens registries by URL: the one place that knows every kind.
public enum Registries {
    /// Opens the registry that `url` names.
    ///
    /// A registry of servers is opened without asking them: one that cannot be reached now may be there later.
    ///
    /// - Parameters:
    ///   - url: One of ``RegistryURL/forms``.
    ///   - remote: How patient a registry of servers is. What the URL says of trust counts more.
    ///   - consul: How patient a registry of Consul is. What the URL says counts more.
    /// - Throws: `invalid` for a URL that cannot be used, or why the registry could not be opened.
    public static func open(
        _ url: String, remote: RemoteConfiguration = RemoteConfiguration(),
        consul: ConsulRegistryConfiguration = ConsulRegistryConfiguration(), time: TimeSource = .system,
        logger: Logger = Logger(label: "rollcall.registry")
    ) async throws(RegistryError) -> OpenedRegistry {
        switch try RegistryURL(url) {
        case .memory:
            let registry = LocalRegistry(time: time, logger: logger)
            return OpenedRegistry(url: url, registry: registry) { await registry.shutdown() }
        case .embedded(let path):
            let registry: LocalRegistry
            do throws(EmbeddedError) {
                registry = try await EmbeddedRegistry.open(path: path, time: time, logger: logger)
            } catch {
                throw RegistryError(error, url: url)
            }
            return OpenedRegistry(url: url, registry: registry) { await registry.shutdown() }
        case .remote(let addresses, let authorities):
            var configuration = remote
            if let authorities { configuration.trust = try ServerTrust(file: authorities) }
            let registry = RemoteRegistry(
                addresses: addresses, configuration: configuration, time: time, logger: logger)
            return OpenedRegistry(url: url, registry: registry) { await registry.shutdown() }
        case .consul(let addresses, let token, let datacenter, let authorities):
            var configuration = consul
            if let token { configuration.token = token }
            if let datacenter { configuration.datacenter = datacenter }
            if let authorities { configuration.trust = try ServerTrust(file: authorities) }
            let registry = ConsulRegistry(
                addresses: addresses, configuration: configuration, time: time, logger: logger)
            return OpenedRegistry(url: url, registry: registry) { await registry.shutdown() }
        }
    }
}

extension RegistryError {
    /// Why the registry file that `url` names could not be opened.
    fileprivate init(_ error: EmbeddedError, url: String) {
        let code: Code
        var retry = Retry.never
        switch error.code {
        case .badPath: code = .invalid
        case .storageFull: code = .storageFull
        case .locked:
            code = .unavailable
            retry = .after(.seconds(1))
        default: code = .storage
        }
        self.init(code, "registry \(url): \(error)", retry: retry)
    }
}

/// A registry that was opened by its URL, to be closed when it is no longer used.
public struct OpenedRegistry: Sendable {
    /// As it was given, without a token.
    public let url: String
    /// Reads, watches and writes.
    public let registry: any Registry
    private let shutdown: @Sendable () async -> Void

    init(url: String, registry: any Registry, shutdown: @escaping @Sendable () async -> Void) {
        self.url = RegistryURL.shown(url)
        self.registry = registry
        self.shutdown = shutdown
    }

    /// Finishes what is under way, ends all watches and gives back what the registry holds. Later calls of the registry
    /// throw.
    public func close() async { await shutdown() }
}
