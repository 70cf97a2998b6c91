// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// The observable view of a registry in memory: what every reader reads.
///
/// Its owner (an engine, or a mirror of one) publishes changes in the order of their revisions; readers take immutable
/// snapshots and follow watches. One lock guards it, held for a look-up, or to swap in the snapshots of one
/// publication; nothing is computed for a reader and nobody is called under it.
public final class Catalog: Sendable {
    /// How much a catalog remembers of what has passed.
    public struct Configuration: Sendable, Hashable {
        /// How many changes are kept for watches that resume. A change costs about 200 bytes beside the instance.
        public var historyChanges = 16_384
        /// A consumer that is further behind than this gets a snapshot instead of changes.
        public var changesPerEvent = 256

        /// The defaults, to be changed property by property.
        public init() {}
    }

    private let configuration: Configuration
    fileprivate let state: Mutex<CatalogState>

    /// An empty catalog at `revision`.
    public init(configuration: Configuration = Configuration(), revision: Revision = .zero) {
        self.configuration = configuration
        state = Mutex(CatalogState(historyChanges: configuration.historyChanges, revision: revision))
    }

    // MARK: Reading

    /// The revision of the last change of any service.
    public var revision: Revision { state.withLock { $0.revision } }

    /// The number of services that have instances, and of all instances.
    public var counts: (services: Int, instances: Int) { state.withLock { ($0.liveServices, $0.instances) } }

    /// The number of watches, listeners and other observers.
    public var observerCount: Int { state.withLock { $0.observers.count } }

    /// Whether the engine behind this catalog can be heard.
    public var engine: EngineState { state.withLock { $0.engine } }

    /// The present snapshot of `service`: empty when it has no instances.
    public func snapshot(of service: ServiceName) -> ServiceSnapshot {
        state.withLock { $0.snapshot(of: service) }
    }

    /// The instance `key`.
    public func instance(_ key: InstanceKey) -> ServiceInstance? {
        state.withLock { $0.instance(key) }
    }

    /// The snapshots of all services that have instances, in no order, and the revision they belong to.
    public func snapshots() -> (revision: Revision, services: [ServiceSnapshot]) {
        state.withLock { ($0.revision, $0.snapshots(in: .all)) }
    }

    // MARK: Publishing (the owner of the catalog only)

    /// Replaces everything, without a history: for the owner's start.
    public func load(_ instances: some Sequence<ServiceInstance>, revision: Revision) {
        let members = CatalogState.grouped(instances)
        let wake = state.withLock { state in
            state.load(members, historyChanges: configuration.historyChanges, revision: revision)
            return state.observers.all
        }
        for observer in wake { observer() }
    }

    /// Makes changes visible to readers and wakes the watches they concern.
    ///
    /// - Parameter changes: In the order of their revisions, each higher than ``revision``.
    public func publish(_ changes: [InstanceChange]) {
        guard !changes.isEmpty else { return }
        let wake = state.withLock { $0.publish(changes) }
        for observer in wake { observer() }
    }

    /// Moves ``revision`` on over revisions that were taken for something else than changes. Nobody is woken.
    public func advance(to revision: Revision) {
        state.withLock { $0.advance(to: revision) }
    }

    /// Tells the watches that the engine was lost or is back.
    public func setEngine(_ engine: EngineState) {
        let wake = state.withLock { state -> [@Sendable () -> Void] in
            guard state.engine != engine else { return [] }
            state.engine = engine
            return state.observers.all
        }
        for observer in wake { observer() }
    }

    /// Ends all watches. What is in the catalog can still be looked up.
    public func close() {
        let wake = state.withLock { state in
            state.isClosed = true
            return state.observers.all
        }
        for observer in wake { observer() }
    }

    // MARK: Following

    /// Where a follower is.
    public struct Cursor: Sendable, Hashable {
        /// The last revision seen; `nil` asks for a snapshot.
        public var revision: Revision?
        /// Whether it has been given anything yet: it decides how a snapshot out of turn is explained.
        var isLive = false
        var engineVersion: UInt64?

        /// - Parameter revision: The last one that the follower has seen; `nil` begins with a snapshot.
        public init(revision: Revision? = nil) {
            self.revision = revision
        }
    }

    /// What a follower has not seen yet, if anything; it moves the cursor on.
    ///
    /// This and ``observe(_:_:)`` are what all forms of watching are made of: nothing is queued for a follower, it
    /// reads what it missed when it comes round to it.
    public func next(in scope: WatchScope, after cursor: inout Cursor) -> WatchEvent? {
        state.withLock { $0.next(in: scope, after: &cursor, most: configuration.changesPerEvent) }
    }

    /// Whether the catalog was closed: its followers end when they have read everything.
    public var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Calls `wake` after each publication that concerns `scope`, until the observation is released.
    ///
    /// - Parameter wake: Called on the publisher's thread, without the lock: it must only signal.
    public func observe(_ scope: WatchScope, _ wake: @escaping @Sendable () -> Void) -> Observation {
        Observation(self, scope, state.withLock { $0.observers.add(scope, wake) })
    }

    /// Keeps an observer registered for as long as it lives.
    public final class Observation: Sendable {
        private let catalog: Catalog
        private let scope: WatchScope
        private let id: UInt64

        fileprivate init(_ catalog: Catalog, _ scope: WatchScope, _ id: UInt64) {
            self.catalog = catalog
            self.scope = scope
            self.id = id
        }

        deinit { catalog.state.withLock { $0.observers.remove(scope, id) } }
    }

    /// Follows what happens to `scope`; see ``Discovery/watch(_:from:)``.
    public func watch(_ scope: WatchScope, from revision: Revision? = nil) -> Watch {
        Watch { CatalogWatchSource(self, scope, from: revision) }
    }
}
