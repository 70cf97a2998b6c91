// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if GRPC

public import GRPCCore
public import GRPCNIOTransportHTTP2Posix
public import Logging
public import Rollcall

/// Tells gRPC clients the instances of the services that they dial, as they change: those that the registry calls
/// routable. The last good list stays when the registry is away.
///
/// ```swift
/// let transport = try HTTP2ClientTransport.Posix(
///     target: .service("orders"), transportSecurity: .plaintext, resolverRegistry: .services(of: client))
/// ```
public struct ServiceResolver: NameResolverFactory, Sendable {
    public typealias Target = ServiceTarget

    private let client: ServiceClient
    private let serviceConfig: ServiceConfig
    private let logger: Logger

    /// - Parameters:
    ///   - client: Where the lists come from. It stays the caller's, to be shut down after the gRPC clients.
    ///   - serviceConfig: How the calls are made. It takes the place of the one that the transport is given. With
    ///     a balancing policy other than round robin gRPC calls the first instance only.
    public init(
        _ client: ServiceClient, serviceConfig: ServiceConfig = .takingTurns(),
        logger: Logger = Logger(label: "rollcall.grpc")
    ) {
        self.client = client
        self.serviceConfig = serviceConfig
        self.logger = logger
    }

    public func resolver(for target: ServiceTarget) -> NameResolver {
        let results = ServiceResolution(
            client: client, target: target, serviceConfig: serviceConfig, logger: logger)
        return NameResolver(
            names: RPCAsyncSequence(wrapping: results), updateMode: .push, authority: target.authority)
    }
}

extension NameResolverRegistry {
    /// The resolvers that gRPC brings, and one for services by name (``ServiceTarget``).
    public static func services(
        of client: ServiceClient, serviceConfig: ServiceConfig = .takingTurns()
    ) -> NameResolverRegistry {
        var registry = NameResolverRegistry.defaults
        registry.registerFactory(ServiceResolver(client, serviceConfig: serviceConfig))
        return registry
    }
}

extension HTTP2ClientTransport.Posix {
    /// A transport to a service by its name.
    ///
    /// - Parameters:
    ///   - client: Where the list of the service comes from. It stays the caller's, to be shut down after the
    ///     transport.
    ///   - serviceConfig: How the calls are made, from the first one on.
    /// - Throws: What is wrong with the configuration of TLS.
    public init(
        service: ServiceTarget, of client: ServiceClient, transportSecurity: TransportSecurity,
        config: Config = .defaults, serviceConfig: ServiceConfig = .takingTurns()
    ) throws {
        try self.init(
            target: service, transportSecurity: transportSecurity, config: config,
            resolverRegistry: .services(of: client, serviceConfig: serviceConfig), serviceConfig: serviceConfig)
    }
}

#endif
