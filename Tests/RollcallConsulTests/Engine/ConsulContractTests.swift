// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Logging
import Rollcall
import RollcallConsul
import RollcallTesting
import Testing

/// What the contract has and Consul cannot do, by the names of the cases.
enum ConsulGaps {
    static let names: Set<String> = [
        // The agent runs checks by itself, and takes no results of others.
        "declared checks are found with the registration, and begin with their first status",
        "registering again keeps the results of the checks that ask the same as before",
        "a new life begins with the first status of its checks",
        "a declared check is not forgotten by itself",
        // Consul evicts one by one, however many are silent.
        "when all heartbeats stop, nothing is evicted, and all come back up with them",
    ]

    static var cases: [RegistryContract] { RegistryContract.cases.filter { !names.contains($0.name) } }
}

@Suite("The engine for Consul", .timeLimit(.minutes(3)))
struct ConsulContractTests {
    @Test("keeps the contract as far as Consul can", arguments: ConsulGaps.cases)
    func contract(_ contract: RegistryContract) async throws {
        try await contract.check { try await FakeConsulFixture() }
    }

    @Test("leaves out no case that there is not")
    func gaps() {
        let names = Set(RegistryContract.cases.map(\.name))
        #expect(ConsulGaps.names.isSubset(of: names))
    }
}

/// The engine against a datacenter in memory.
struct FakeConsulFixture: RegistryFixture {
    let consul: FakeConsul
    let registry: ConsulRegistry
    private let agent: FakeAgent

    init(
        of consul: FakeConsul = FakeConsul(), _ change: (inout ConsulRegistryConfiguration) -> Void = { _ in }
    ) async throws {
        self.consul = consul
        agent = try await FakeAgent(consul)
        var configuration = ConsulRegistryConfiguration.eager
        change(&configuration)
        registry = ConsulRegistry(addresses: [agent.address], configuration: configuration, logger: .quiet)
    }

    /// Another process with the same datacenter.
    static func second(to first: FakeConsulFixture) async throws -> FakeConsulFixture {
        try await FakeConsulFixture(of: first.consul)
    }

    var gaps: Set<RegistryGap> { [.resume] }

    func advance(by duration: Duration) async throws { await consul.advance(by: duration) }

    func close() async throws {
        await registry.shutdown()
        await agent.stop()
    }
}

extension ConsulRegistryConfiguration {
    /// Patient with a busy machine, but soon back after a failure.
    static var eager: ConsulRegistryConfiguration {
        var configuration = ConsulRegistryConfiguration()
        configuration.connectTimeout = .seconds(20)
        configuration.attemptTimeout = .seconds(20)
        configuration.callTimeout = .seconds(60)
        configuration.callBackoff = Backoff(initial: .milliseconds(1), maximum: .milliseconds(50), minimum: .zero)
        configuration.watchBackoff = Backoff(initial: .milliseconds(1), maximum: .milliseconds(50), minimum: .zero)
        configuration.watchInterval = .milliseconds(1)
        return configuration
    }
}

extension Logger {
    static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
