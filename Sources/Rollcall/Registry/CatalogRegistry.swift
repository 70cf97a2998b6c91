// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A registry whose whole content is in a catalog of this process: reading needs no engine. It is what a server serves.
public protocol CatalogRegistry: Registry {
    /// All that is registered. It is the registry's to publish in; others read and watch.
    var catalog: Catalog { get }

    /// Renews leases without waiting, for callers that may not wait (an event loop).
    ///
    /// - Returns: The outcomes in the order of the heartbeats; `nil` when more has to be done for one of them than to
    ///   renew, such as to bring an instance back that was `down`: then ``Registry/heartbeat(_:)`` is to be called with
    ///   all of them. Some may have been renewed already, which does no harm.
    func renewImmediately(_ heartbeats: [Heartbeat]) -> [HeartbeatOutcome]?

    /// Ends what the brake holds back, now: an operator has understood the cause. The instances that are still silent
    /// become `down` and are evicted at a bounded rate.
    ///
    /// - Parameter service: The service; `nil` for the whole fleet.
    func releaseBrake(_ service: ServiceName?) async

    /// Where dialects keep what is no instance; `nil` when this engine keeps no records.
    var records: (any RecordStore)? { get }

    /// Figures for the metrics page.
    var statistics: RegistryStatistics { get }
}

extension CatalogRegistry {
    public var records: (any RecordStore)? { nil }

    public func services() async throws(RegistryError) -> [ServiceSummary] {
        catalog.snapshots().services.map(\.summary).sorted { $0.service < $1.service }
    }

    public func lookup(_ service: ServiceName) async throws(RegistryError) -> ServiceSnapshot {
        catalog.snapshot(of: service)
    }

    public func watch(_ scope: WatchScope, from revision: Revision?) -> Watch {
        catalog.watch(scope, from: revision)
    }
}

/// Counts since the start, and present levels, of a registry.
public struct RegistryStatistics: Sendable, Hashable {
    /// Changes by their kind.
    public var changes: [InstanceChange.Kind: UInt64] = [:]
    /// Heartbeats that renewed a lease.
    public var heartbeats: UInt64 = 0
    /// Heartbeats of instances that are not registered, or of a former life.
    public var refusedHeartbeats: UInt64 = 0
    /// Writes that could not be made durable.
    public var failedWrites: UInt64 = 0
    /// Batches that were made durable: each stands for one transaction.
    public var commits: UInt64 = 0
    /// Writes that wait for their turn.
    public var waitingWrites = 0
    /// Leases that ran out and were neither renewed nor evicted yet.
    public var lapsedLeases = 0
    /// Instances whose eviction is held back.
    public var heldEvictions = 0
    /// Whether the brake is engaged for the fleet as a whole.
    public var isFleetBraked = false
    /// The services for which the brake is engaged.
    public var brakedServices: [ServiceName] = []

    /// Nothing counted yet.
    public init() {}
}
