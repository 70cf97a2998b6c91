// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall

/// An engine opened for a test, with power over its time.
public protocol RegistryFixture: Sendable {
    /// The type of the registry under test.
    associatedtype Engine: Registry

    /// The registry under test, empty at first.
    var registry: Engine { get }

    /// What this engine cannot do; the cases of the contract that need it are run in the form that says so.
    var gaps: Set<RegistryGap> { get }

    /// Lets this much time pass for the leases. On an engine with a virtual clock that is at once.
    func advance(by duration: Duration) async throws

    /// Ends the engine and removes what it left behind.
    func close() async throws
}

/// Something that the contract of ``Registry`` has and an engine may lack.
public enum RegistryGap: Sendable, Hashable {
    /// Watches always begin with a snapshot.
    case resume
    /// Former lives are not told apart.
    case incarnations
    /// The results of checks cannot be pushed.
    case checks
}

extension RegistryFixture {
    public var gaps: Set<RegistryGap> { [] }
}

/// A registry in memory whose time a test moves.
public struct InMemoryFixture: RegistryFixture {
    public let registry: LocalRegistry
    /// What the leases run by.
    public let clock: ManualClock

    /// - Parameter configuration: Of the registry, for tests of its limits.
    public init(configuration: LocalRegistry.Configuration = LocalRegistry.Configuration()) {
        clock = ManualClock()
        registry = LocalRegistry(configuration: configuration, time: .manual(clock))
    }

    public func advance(by duration: Duration) async throws { clock.advance(by: duration) }

    public func close() async throws { await registry.shutdown() }
}

extension TimeSource {
    /// The time of a manual clock; its wall time begins at 2026-01-01T00:00:00Z and moves with it.
    public static func manual(_ clock: ManualClock) -> TimeSource {
        TimeSource(clock) {
            WallTime(millisecondsSinceEpoch: 1_767_225_600_000 + clock.now.offset.wholeMilliseconds)
        }
    }
}
