// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if GRPC

internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix
internal import Logging
internal import NIOCore
internal import Rollcall

// `Rollcall` has an `Endpoint` and `NIOCore` a `SocketAddress` of its own.
typealias GRPCEndpoint = GRPCNIOTransportHTTP2Posix.Endpoint
typealias GRPCAddress = GRPCNIOTransportHTTP2Posix.SocketAddress

/// The addresses of instances: gRPC connects to addresses only, while an instance may have registered a host name.
///
/// A name is looked up once for each life of an instance, and again each time as long as that fails.
struct InstanceAddresses {
    typealias LookUp = @Sendable (_ host: String, _ port: Int) async throws -> [GRPCAddress]

    private let port: String?
    private let logger: Logger
    private let lookUp: LookUp
    /// Whether the last endpoints lack an instance whose name could not be looked up.
    private(set) var isIncomplete = false
    private var byName: [Place: [GRPCAddress]] = [:]

    private struct Place: Hashable {
        let life: EndpointIdentity
        let host: String
        let port: Int
    }

    /// - Parameter port: The named port to use; `nil` for the primary one.
    init(port: String?, logger: Logger, lookUp: @escaping LookUp) {
        self.port = port
        self.logger = logger
        self.lookUp = lookUp
    }

    /// One endpoint for each instance that has the port and whose address is known.
    mutating func endpoints(of instances: [ServiceInstance]) async -> [GRPCEndpoint] {
        var endpoints: [GRPCEndpoint] = []
        var used: [Place: [GRPCAddress]] = [:]
        isIncomplete = false
        for instance in instances {
            guard let port = port(of: instance) else { continue }
            if let address = Self.address(instance.host, port) {
                endpoints.append(GRPCEndpoint(addresses: [address]))
                continue
            }
            let life = EndpointIdentity(instance.key, instance.incarnation)
            let place = Place(life: life, host: instance.host, port: port)
            var addresses = byName[place]
            if addresses == nil { addresses = await resolved(instance, port) }
            guard let addresses else {
                isIncomplete = true
                continue
            }
            used[place] = addresses
            endpoints.append(GRPCEndpoint(addresses: addresses))
        }
        byName = used
        return endpoints
    }

    private func port(of instance: ServiceInstance) -> Int? {
        guard let port else { return instance.port == 0 ? nil : Int(instance.port) }
        return instance.registration.namedPorts[port].map(Int.init)
    }

    /// `nil` when the host is a name.
    private static func address(_ host: String, _ port: Int) -> GRPCAddress? {
        switch try? NIOCore.SocketAddress(ipAddress: host, port: port) {
        case .v4: .ipv4(host: host, port: port)
        case .v6: .ipv6(host: host, port: port)
        case .unixDomainSocket, nil: nil
        }
    }

    private func resolved(
        _ instance: ServiceInstance, _ port: Int
    ) async -> [GRPCAddress]? {
        do {
            let addresses = try await lookUp(instance.host, port)
            return addresses.isEmpty ? nil : addresses
        } catch {
            logger.warning(
                "the host name of an instance cannot be looked up; it is not called for now",
                metadata: ["instance": "\(instance.key)", "host": "\(instance.host)", "error": "\(error)"])
            return nil
        }
    }
}

extension InstanceAddresses {
    /// Asks the system, as gRPC itself does for targets that are host names.
    static let system: LookUp = { host, port in
        var results = NameResolvers.DNS().resolver(for: .dns(host: host, port: port)).names.makeAsyncIterator()
        return try await results.next()?.endpoints.flatMap(\.addresses) ?? []
    }
}

#endif
