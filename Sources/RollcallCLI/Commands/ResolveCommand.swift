// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Rollcall
internal import RollcallRemote

/// Finds the one instance to call now.
struct ResolveCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "resolve",
        abstract: "Print the URL of one instance to call now.",
        discussion: """
            Made for `curl $(rollcall resolve web)`: nothing but the URL is printed. The code is 1 when the service \
            has no instance that may be called. A server chooses by itself, so that round-robin goes on from one call \
            to the next.
            """)

    @Argument(help: "The service.")
    var service: String

    @Option(help: "How to choose.")
    var policy = PolicyArgument(policy: .roundRobin)

    @Option(help: "What requests that belong together share, for the policies that hash.")
    var key: String?

    @OptionGroup var filter: InstanceFilter
    @OptionGroup var options: RegistryOptions

    func run(on connection: RegistryConnection) async throws {
        let instance =
            if let server = connection.registry as? RemoteRegistry {
                try await server.resolve(
                    ServiceName(service), policy: policy.policy, tags: filter.tags, zone: filter.zone,
                    region: filter.region,
                    metadata: Dictionary(filter.metadata.map { ($0.name, $0.value) }) { $1 },
                    key: key)
            } else {
                try await choose(from: connection.registry)
            }
        answer(table: "\(instance.endpointURL)\n", json: JSONText.instance(instance))
    }

    /// For registries that do not choose themselves.
    private func choose(from registry: any Registry) async throws -> ServiceInstance {
        let upstream = Upstream(
            service: ServiceName(service), balancer: policy.policy.makeBalancer(),
            configuration: UpstreamConfiguration(panicThreshold: 0))
        upstream.update(try await registry.lookup(ServiceName(service)).filtered(filter.matches), now: .zero)
        let request = PickRequest(now: .zero, hashKey: key.map { StableHash.of($0) })
        guard let instance = upstream.choose(request)?.instance else {
            throw RegistryError(.unknownInstance, "resolving \(service): no instance may be called")
        }
        return instance
    }
}

/// A policy by its name on the command line.
struct PolicyArgument: ExpressibleByArgument, Sendable {
    let policy: BalancingPolicy

    init(policy: BalancingPolicy) {
        self.policy = policy
    }

    init?(argument: String) {
        guard let policy = BalancingPolicy(rawValue: argument) else { return nil }
        self.policy = policy
    }

    var defaultValueDescription: String { policy.rawValue }
    static var allValueStrings: [String] { BalancingPolicy.allCases.map(\.rawValue) }
}
