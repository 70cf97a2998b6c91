// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall
public import Testing

/// Keeps a copy of what a watch tells, as any consumer does, and checks the watch contract on the way: a complete
/// snapshot comes first (unless the watch was resumed), and revisions never go back.
public struct WatchMirror {
    /// What is registered within the scope, as far as the watch has told.
    public private(set) var instances: [InstanceKey: ServiceInstance] = [:]
    /// Of the last event; zero before the first.
    public private(set) var revision = Revision.zero
    /// The last state told.
    public private(set) var engine = EngineState.connected
    /// How many events came, and of which kinds.
    public private(set) var snapshots: [WatchSnapshot.Cause] = []
    /// All changes that were told, in their order.
    public private(set) var changes: [InstanceChange] = []
    /// How many events came.
    public private(set) var events = 0
    private var iterator: Watch.Iterator
    private var isComplete: Bool

    /// - Parameter instances: What the consumer knew already, for a watch that was resumed.
    public init(_ watch: Watch, resuming instances: [InstanceKey: ServiceInstance]? = nil) {
        iterator = watch.makeAsyncIterator()
        isComplete = instances != nil
        self.instances = instances ?? [:]
    }

    /// Reads events until `condition` holds. The time limit of the test bounds the wait.
    ///
    /// - Throws: ``WatchEnded`` when the watch ended first.
    public mutating func read(
        until condition: (WatchMirror) -> Bool, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        while !(isComplete && condition(self)) {
            guard let event = await iterator.next() else { throw WatchEnded() }
            apply(event, sourceLocation)
        }
    }

    /// Reads one event; `nil` at the end.
    public mutating func next(sourceLocation: SourceLocation = #_sourceLocation) async -> WatchEvent? {
        guard let event = await iterator.next() else { return nil }
        apply(event, sourceLocation)
        return event
    }

    private mutating func apply(_ event: WatchEvent, _ location: SourceLocation) {
        events += 1
        switch event {
        case .snapshot(let snapshot):
            if isComplete {
                #expect(snapshot.cause != .initial, "a second initial snapshot", sourceLocation: location)
            }
            instances = [:]
            for service in snapshot.services {
                for instance in service.instances { instances[instance.key] = instance }
            }
            // After a gap the registry may have begun anew; otherwise time does not go back.
            if snapshot.cause == .coalesced {
                #expect(snapshot.revision >= revision, "the revision went back", sourceLocation: location)
            }
            revision = snapshot.revision
            isComplete = true
            snapshots.append(snapshot.cause)
        case .changes(let batch):
            #expect(isComplete, "changes came before the first snapshot", sourceLocation: location)
            for change in batch.changes {
                #expect(change.revision > revision, "the revision did not grow", sourceLocation: location)
                revision = change.revision
                instances[change.key] = change.isRemoval ? nil : change.instance
                changes.append(change)
            }
            #expect(batch.revision >= revision, "a batch ends before its last change", sourceLocation: location)
            revision = batch.revision
        case .engine(let state):
            engine = state
        }
    }

    /// Thrown when there is nothing more to wait for.
    public struct WatchEnded: Error, CustomStringConvertible {
        public var description: String { "the watch ended before what was waited for" }
    }
}
