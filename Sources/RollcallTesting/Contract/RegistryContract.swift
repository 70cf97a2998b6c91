// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
public import Testing

/// The contract of ``Registry`` and ``Discovery`` as tests that any engine has to pass.
///
/// ```swift
/// @Test(arguments: RegistryContract.cases)
/// func contract(_ contract: RegistryContract) async throws {
///     try await contract.check { try await MyFixture() }
/// }
/// ```
public struct RegistryContract: Sendable, CustomTestStringConvertible {
    /// What the case says, as a sentence.
    public let name: String
    private let body: @Sendable (ContractSubject) async throws -> Void

    init(_ name: String, _ body: @escaping @Sendable (ContractSubject) async throws -> Void) {
        self.name = name
        self.body = body
    }

    public var testDescription: String { name }

    /// Opens an engine, runs the case against it and closes the engine, also when the case fails.
    public func check(_ open: () async throws -> some RegistryFixture) async throws {
        let fixture = try await open()
        do {
            try await body(ContractSubject(fixture))
        } catch {
            try? await fixture.close()
            throw error
        }
        try await fixture.close()
    }

    /// All cases.
    public static let cases: [RegistryContract] =
        registrationCases + incarnationCases + leaseCases + stateCases + checkCases + watchCases
}

/// The engine that a case runs against, with what the cases have in common.
struct ContractSubject: Sendable {
    let registry: any Registry
    let gaps: Set<RegistryGap>
    private let advanceTime: @Sendable (Duration) async throws -> Void

    init(_ fixture: some RegistryFixture) {
        registry = fixture.registry
        gaps = fixture.gaps
        advanceTime = { try await fixture.advance(by: $0) }
    }

    func advance(by duration: Duration) async throws { try await advanceTime(duration) }

    /// An ordinary registration of the service `web`.
    func registration(_ id: InstanceID = "web-1", service: ServiceName = "web", port: UInt16 = 8080) -> Registration {
        Registration(service: service, id: id, host: "10.0.0.1", port: port)
    }

    // The registry's methods throw typed errors, which expectations cannot be made of.

    func services() async throws -> [ServiceSummary] { try await registry.services() }

    func lookup(_ service: ServiceName) async throws -> ServiceSnapshot { try await registry.lookup(service) }

    func heartbeat(_ key: InstanceKey) async throws -> HeartbeatOutcome { try await registry.heartbeat(key) }

    func instance(_ key: InstanceKey) async throws -> ServiceInstance? {
        try await registry.lookup(key.service)[key.id]
    }

    /// Pushes the result of a check.
    ///
    /// - Returns: The status of the instance with it.
    func report(_ key: InstanceKey, _ check: String, _ status: HealthCheck.Status) async throws -> InstanceStatus {
        let update = InstanceUpdate.check(id: check, status: status, output: "said \(status)")
        return try await registry.update(key, incarnation: nil, update).status
    }

    /// Waits until an instance is as `condition` says. The time limit of the test bounds the wait.
    @discardableResult
    func wait(
        for key: InstanceKey, sourceLocation: SourceLocation = #_sourceLocation,
        until condition: @escaping (ServiceInstance?) -> Bool
    ) async throws -> ServiceInstance? {
        var mirror = WatchMirror(registry.watch(.service(key.service)))
        try await mirror.read(until: { condition($0.instances[key]) }, sourceLocation: sourceLocation)
        return mirror.instances[key]
    }

    /// The code of the error that `body` throws.
    func failure(
        _ body: () async throws(RegistryError) -> Void, sourceLocation: SourceLocation = #_sourceLocation
    ) async -> RegistryError? {
        do throws(RegistryError) {
            try await body()
            Issue.record("an error was expected", sourceLocation: sourceLocation)
            return nil
        } catch {
            return error
        }
    }
}
