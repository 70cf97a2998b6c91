// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall
internal import Synchronization

/// The streams of one event loop. Touched on that loop only.
final class LoopStreams {
    unowned let hub: EventStreams
    private let eventLoop: any EventLoop
    private var groups: [WatchScope: StreamGroup] = [:]
    private var keepAlive: RepeatedTask?

    init(_ hub: EventStreams, eventLoop: any EventLoop) {
        self.hub = hub
        self.eventLoop = eventLoop
    }

    /// The streams that watch `scope`.
    func group(_ scope: WatchScope) -> StreamGroup {
        if let known = groups[scope] { return known }
        let group = StreamGroup(self, scope, eventLoop)
        groups[scope] = group
        startKeepAlive()
        return group
    }

    func remove(_ group: StreamGroup) {
        groups[group.scope] = nil
        guard groups.isEmpty else { return }
        keepAlive?.cancel()
        keepAlive = nil
    }

    private func startKeepAlive() {
        guard keepAlive == nil else { return }
        let interval = TimeAmount(hub.configuration.keepAlive)
        let streams = NIOLoopBound(self, eventLoop: eventLoop)
        keepAlive = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            for group in streams.value.groups.values { group.keepAlive() }
        }
    }
}

/// The streams of one event loop that watch the same. Touched on that loop only.
final class StreamGroup {
    let scope: WatchScope
    let hub: EventStreams
    private unowned let loop: LoopStreams
    private var streams: [ObjectIdentifier: EventStream] = [:]
    private var cursor: Catalog.Cursor
    private var observation: Catalog.Observation?

    init(_ loop: LoopStreams, _ scope: WatchScope, _ eventLoop: any EventLoop) {
        self.loop = loop
        self.hub = loop.hub
        self.scope = scope
        cursor = Catalog.Cursor(revision: hub.catalog.revision)
        let wake = LoopWake(eventLoop, NIOLoopBound(WeakGroup(), eventLoop: eventLoop))
        wake.target.value.group = self
        observation = hub.catalog.observe(scope) { wake.signal() }
        // A cursor that was never read from does not tell a change of the engine's state. What is passed over here, the
        // first stream reads for itself.
        while hub.catalog.next(in: scope, after: &cursor) != nil {}
    }

    /// Adds a stream that begins to read for itself now.
    func add(_ stream: EventStream) { streams[ObjectIdentifier(stream)] = stream }

    func remove(_ stream: EventStream) {
        streams[ObjectIdentifier(stream)] = nil
        guard streams.isEmpty else { return }
        observation = nil
        loop.remove(self)
    }

    /// Gives the streams what has happened since the last time.
    func deliver() {
        while let event = hub.catalog.next(in: scope, after: &cursor) {
            switch event {
            case .changes(let batch): deliver(batch)
            case .snapshot, .engine:
                // Rare: the loop was so slow that steps were left out, or the engine was lost or is back.
                for stream in streams.values { stream.refresh() }
            }
        }
    }

    private func deliver(_ batch: WatchChanges) {
        guard let first = batch.changes.first, let last = batch.changes.last else { return }
        let chunk = EventText.changes(batch)
        let delay = (hub.time.now() - first.bornAt).wholeNanoseconds
        for stream in streams.values {
            stream.deliver(
                chunk, from: first.revision, to: last.revision, at: batch.revision, delay: delay)
        }
    }

    func keepAlive() {
        for stream in streams.values { stream.keepAlive() }
    }
}

/// Lets a wake from any thread reach a group that may be gone by then.
private final class WeakGroup {
    weak var group: StreamGroup?
}

/// Turns wakes from any thread into at most one waiting visit to the event loop.
private final class LoopWake: Sendable {
    let target: NIOLoopBound<WeakGroup>
    private let eventLoop: any EventLoop
    private let isWaiting = Atomic<Bool>(false)

    init(_ eventLoop: any EventLoop, _ target: NIOLoopBound<WeakGroup>) {
        self.eventLoop = eventLoop
        self.target = target
    }

    func signal() {
        guard !isWaiting.exchange(true, ordering: .acquiringAndReleasing) else { return }
        eventLoop.execute {
            self.isWaiting.store(false, ordering: .sequentiallyConsistent)
            self.target.value.group?.deliver()
        }
    }
}
