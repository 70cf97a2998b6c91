// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import NIOCore
public import Rollcall

/// The probes of this module behind one door, by the kind of the check.
public final class StandardProbes: HealthProbe {
    private let http: HTTPProbe
    private let tcp: TCPProbe
    private let grpc: GRPCProbe
    private let command: CommandProbe?

    /// - Parameter runsCommands: Whether `command` checks are run. Whoever can register an instance could then run any
    ///   command with the rights of this process.
    public init(runsCommands: Bool = false, group: (any EventLoopGroup)? = nil) {
        http = HTTPProbe(group: group)
        tcp = TCPProbe(group: group)
        grpc = GRPCProbe(group: group)
        command = runsCommands ? CommandProbe() : nil
    }

    /// To be called before the last reference goes.
    public func shutdown() async { await http.shutdown() }

    public func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult {
        switch check.kind {
        case .http: return await http.probe(check, of: instance)
        case .tcp: return await tcp.probe(check, of: instance)
        case .grpc: return await grpc.probe(check, of: instance)
        case .command:
            guard let command else {
                return CheckResult(.critical, "command checks are not enabled in the server's configuration")
            }
            return await command.probe(check, of: instance)
        case .ttl, .alias: return .wrongKind(check)
        }
    }
}
