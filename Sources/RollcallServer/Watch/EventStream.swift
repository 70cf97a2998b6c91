// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// One watch of one client. Touched on its connection's event loop only.
final class EventStream: HeldRequest {
    private let loop: LoopStreams
    private let hub: EventStreams
    private let scope: WatchScope
    private var cursor: Catalog.Cursor
    private var exchange: HeldExchange?
    private var group: StreamGroup?
    /// A snapshot that is being sent, and how many of its services are.
    private var sending: (snapshot: WatchSnapshot, sent: Int)?
    /// The client does not keep up: it is not given what its group is, but reads for itself when it can take more.
    private var isBehind = true
    private var wasWritten = false
    private var hasEnded = false

    init(_ request: WatchRequest, on loop: LoopStreams) {
        self.loop = loop
        hub = loop.hub
        scope = request.scope
        cursor = Catalog.Cursor(revision: request.revision)
    }

    private static let head = PreparedResponse.streamHead(
        status: 200,
        headers: [
            (name: "content-type", value: "text/event-stream"), (name: "cache-control", value: "no-store"),
            // nginx as a proxy in front would hold the events back.
            (name: "x-accel-buffering", value: "no"),
        ])

    // MARK: The connection

    func begin(_ exchange: HeldExchange) {
        // Counted here and not when the head of the request has come: one that is never completed counts for nothing.
        guard hub.admit() else {
            hasEnded = true
            exchange.answer(hub.refusal)
            return
        }
        self.exchange = exchange
        hub.metrics.streamOpened()
        exchange.open(Self.head, route: hub.route)
        // Writing may have shown that the client is gone.
        guard !hasEnded else { return }
        // The group follows before this stream reads, so that nothing falls between the two.
        let group = loop.group(scope)
        self.group = group
        group.add(self)
        readFirst()
    }

    private func readFirst() {
        let isResumed = cursor.revision != nil
        let event = hub.catalog.next(in: scope, after: &cursor)
        switch event {
        // A client that resumes sees that it is connected, also when nothing has happened since.
        case nil: write(EventText.resumed)
        case .changes? where isResumed: write(EventText.resumed)
        default: break
        }
        if let event { take(event) }
        catchUp()
    }

    func becameWritable() { catchUp() }

    func ended(_ reason: HeldExchange.End) {
        guard !hasEnded else { return }
        hasEnded = true
        exchange = nil
        sending = nil
        group?.remove(self)
        group = nil
        hub.metrics.streamEnded()
        hub.ended()
    }

    func serverIsStopping() {
        guard let exchange else { return }
        exchange.write(EventText.shutdown)
        ended(.serverStopped)
        exchange.finish()
    }

    // MARK: The group

    /// Changes that the streams of the group share.
    ///
    /// - Parameters:
    ///   - first: The revision of the first of them.
    ///   - last: The revision of the last one.
    ///   - revision: Where the group is with them.
    func deliver(_ chunk: StreamChunk, from first: Revision, to last: Revision, at revision: Revision, delay: Int64) {
        guard !isBehind, let seen = cursor.revision else { return }
        if seen >= last { return }
        guard seen < first, exchange?.isWritable == true else {
            catchUp()
            return
        }
        write(chunk)
        self.cursor.revision = revision
        hub.metrics.delivered(afterNanoseconds: delay)
    }

    /// Something else happened: the stream reads it for itself.
    func refresh() {
        if !isBehind { catchUp() }
    }

    func keepAlive() {
        if !wasWritten, exchange?.isWritable == true { write(EventText.keepAlive) }
        wasWritten = false
    }

    // MARK: Reading for itself

    /// Sends what the client has not seen, as far as it takes it.
    private func catchUp() {
        isBehind = true
        while let exchange {
            guard exchange.isWritable else { return }
            if sending != nil {
                sendNextService()
            } else if let event = hub.catalog.next(in: scope, after: &cursor) {
                take(event)
            } else {
                isBehind = false
                return
            }
        }
    }

    private func take(_ event: WatchEvent) {
        switch event {
        case .snapshot(let snapshot):
            if snapshot.cause == .coalesced { hub.metrics.wasCoalesced() }
            sending = (snapshot, 0)
        case .changes(let batch):
            write(EventText.changes(batch))
            guard let first = batch.changes.first else { return }
            hub.metrics.delivered(afterNanoseconds: (hub.time.now() - first.bornAt).wholeNanoseconds)
        case .engine(let state):
            write(EventText.engine(state))
        }
    }

    /// One service at a time, so that a large snapshot waits in the catalog's memory and not in that of the socket.
    private func sendNextService() {
        guard let (snapshot, sent) = sending else { return }
        guard sent < snapshot.services.count else {
            sending = nil
            write(EventText.synced(snapshot))
            return
        }
        sending?.sent = sent + 1
        let service = snapshot.services[sent]
        if case .all = scope {
            write(EventText.snapshot(service))
        } else {
            write(
                service.derivedValue(
                    Self.snapshotKey, within: hub.answers, size: \.byteCount, EventText.snapshot))
        }
    }

    /// The text of a snapshot is kept with it where many are likely to watch the same.
    private static let snapshotKey = ServiceSnapshot.DerivedKey(50)

    private func write(_ chunk: StreamChunk) {
        wasWritten = true
        exchange?.write(chunk)
    }
}
