// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What a watch follows.
public enum WatchScope: Sendable, Hashable {
    /// One service, also while it has no instances.
    case service(ServiceName)
    /// Some services; their changes come in one order.
    case services(Set<ServiceName>)
    /// Every service, also those that come to be later.
    case all

    func contains(_ service: ServiceName) -> Bool {
        switch self {
        case .service(let name): name == service
        case .services(let names): names.contains(service)
        case .all: true
        }
    }
}

/// Whether the engine that a catalog mirrors can be heard.
public enum EngineState: Sendable, Hashable {
    /// What is known is as new as the engine's own state, but for the way here.
    case connected
    /// Not heard since then. The last good list stays served.
    case stale(since: WallTime)
}

/// One step of a watch.
public enum WatchEvent: Sendable {
    /// The complete state of the scope. It replaces all that was known.
    case snapshot(WatchSnapshot)
    /// What changed since the event before, in the order of revisions, and each instance's last change at least.
    case changes(WatchChanges)
    /// The engine was lost or came back. What is known stays valid.
    case engine(EngineState)
}

/// The complete state of a watch's scope at one revision.
public struct WatchSnapshot: Sendable {
    /// Why a complete state is told instead of changes.
    public enum Cause: String, Sendable, Hashable {
        /// The watch begins.
        case initial
        /// The watch was to resume at a revision of which the history is no longer kept.
        case gap
        /// The consumer was slow: steps were left out.
        case coalesced
    }

    /// A watch that is resumed from here misses nothing.
    public let revision: Revision
    /// Why this is not a list of changes.
    public let cause: Cause
    /// The services of the scope that have instances; for a scope of one service always that one, also when it is
    /// empty.
    public let services: [ServiceSnapshot]

    /// - Parameter services: For a scope of one service that one, also when it is empty.
    public init(revision: Revision, cause: Cause, services: [ServiceSnapshot]) {
        self.revision = revision
        self.cause = cause
        self.services = services
    }
}

/// Consecutive changes within a watch's scope.
public struct WatchChanges: Sendable {
    /// A watch that is resumed from here misses nothing.
    public let revision: Revision
    /// In the order of their revisions; not empty.
    public let changes: [InstanceChange]

    /// - Parameter revision: Not lower than that of the last change.
    public init(revision: Revision, changes: [InstanceChange]) {
        self.revision = revision
        self.changes = changes
    }
}

/// A watch as a sequence. Each iterator is a watch of its own; it ends when its task is cancelled or the engine is shut
/// down, and never throws: losing the engine is an event.
public struct Watch: AsyncSequence, Sendable {
    public typealias Element = WatchEvent
    public typealias Failure = Never

    private let makeSource: @Sendable () -> any WatchSource

    /// A watch whose iterators read from what `makeSource` returns.
    public init(_ makeSource: @escaping @Sendable () -> any WatchSource) {
        self.makeSource = makeSource
    }

    public func makeAsyncIterator() -> Iterator { Iterator(source: makeSource()) }

    public struct Iterator: AsyncIteratorProtocol {
        let source: any WatchSource

        public mutating func next() async -> WatchEvent? { await source.next() }

        public mutating func next(isolation actor: isolated (any Actor)?) async -> WatchEvent? { await source.next() }
    }
}

/// What an engine gives to serve one watch. It is released when the consumer is done; ending whatever feeds it is up to
/// its `deinit`.
public protocol WatchSource: AnyObject, Sendable {
    /// The next event; `nil` at the end and when the task was cancelled. Called by one task at a time.
    func next() async -> WatchEvent?
}
