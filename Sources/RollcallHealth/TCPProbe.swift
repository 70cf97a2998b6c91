// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import NIOCore
internal import NIOPosix
public import Rollcall

/// Opens a TCP connection and closes it again.
public struct TCPProbe: HealthProbe {
    private let group: any EventLoopGroup

    /// - Parameter group: Where connections are served; by default the one of the process.
    public init(group: (any EventLoopGroup)? = nil) {
        self.group = group ?? .singletonMultiThreadedEventLoopGroup
    }

    public func probe(_ check: CheckDefinition, of instance: ServiceInstance) async -> CheckResult {
        guard case .tcp(let text) = check.kind else { return .wrongKind(check) }
        guard let target = CheckTarget(text, of: instance.registration) else { return .wrongTarget(text) }
        do {
            let channel = try await ClientBootstrap(group: group).connectTimeout(TimeAmount(check.timeout))
                .connect(host: target.host, port: Int(target.port)).get()
            try? await channel.close()
            return CheckResult(.passing, "TCP connect \(target): Success")
        } catch {
            return CheckResult(.critical, explanation(of: error, timeout: check.timeout))
        }
    }
}
