// SPDX-License-Identifier: Apache-2.0
// Rollcall

#if GRPC

public import GRPCNIOTransportHTTP2Posix
public import Rollcall

/// A service that a gRPC client dials by its name; a ``ServiceResolver`` says where that is.
public struct ServiceTarget: ResolvableTarget, Sendable, Hashable {
    /// Whose instances are called.
    public var service: ServiceName
    /// Which of the instances' named ports serves gRPC; `nil` for the primary one. Instances without a port of
    /// this name are not called.
    public var port: String?
    /// What the connection says whom it wants: the header `:authority`, and with TLS the name that certificates
    /// have to be for.
    public var authority: String

    /// - Parameter authority: `nil` for the name of the service, in lower case.
    public init(_ service: ServiceName, port: String? = nil, authority: String? = nil) {
        self.service = service
        self.port = port
        self.authority = authority ?? service.folded
    }
}

extension ResolvableTarget where Self == ServiceTarget {
    /// A service by its name; see ``ServiceTarget``.
    public static func service(
        _ service: ServiceName, port: String? = nil, authority: String? = nil
    ) -> ServiceTarget {
        ServiceTarget(service, port: port, authority: authority)
    }
}

#endif
