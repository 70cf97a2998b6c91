// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallTransport

/// The course of one watch over many connections: what is asked for, what the consumer is told, when to connect again.
/// A value without clock and sockets.
///
/// The consumer is told nothing before the first complete snapshot. Losing a connection is no event; only when the
/// first attempt to replace it fails, the engine is `stale`, since the loss.
struct WatchSession: Sendable {
    enum Event: Sendable {
        /// The shell is ready; the first event.
        case started
        /// What one read from the connection brought.
        case received([WatchMessage])
        /// The connection ended, or could not be made. `retryAfter` is what the server advised.
        case disconnected(retryAfter: Duration?, at: WallTime)
        /// The pause is over.
        case waited
    }

    enum Action: Sendable {
        /// Open a stream: after this revision, or with a snapshot.
        case connect(resuming: Revision?)
        /// Tell the consumer, and read on only when it took it.
        case deliver(WatchEvent)
        /// Close the connection; ``Event/disconnected(retryAfter:at:)`` follows.
        case disconnect(String)
        /// Let time pass; ``Event/waited`` follows.
        case wait(until: Instant)
    }

    private enum Phase: Hashable {
        case idle
        case connected(since: Instant)
        /// Told to disconnect: what comes now is from before.
        case closing(since: Instant)
        case waiting
    }

    private let scope: WatchScope
    private let servers: Int
    private let backoff: Backoff
    private let stableAfter: Duration
    private let changesPerEvent: Int

    private var phase = Phase.idle
    /// The last revision that the consumer was told; `nil` when the next connection has to bring a snapshot.
    private(set) var position: Revision?
    /// Whether the consumer has something that events can be about.
    private(set) var hasState: Bool
    /// The services of a snapshot that is not complete yet.
    private var assembly: [ServiceName: ServiceSnapshot] = [:]
    private var isAssembling = false
    private var pending: [InstanceChange] = []
    /// The state of the engine as the consumer knows it, and as the server last said.
    private var told = EngineState.connected
    private var said = EngineState.connected
    /// Whether this connection brought something to rely on.
    private var isHeard = false
    private var lostAt: WallTime?
    private var attempts = 0
    private var pauseAdvised = Duration.zero

    /// A server may not ask for a longer pause than this.
    private static let longestAdvisedPause: Duration = .seconds(60)

    init(_ scope: WatchScope, from revision: Revision?, servers: Int, configuration: RemoteConfiguration) {
        self.scope = scope
        self.servers = max(1, servers)
        backoff = configuration.watchBackoff
        stableAfter = configuration.stableAfter
        changesPerEvent = max(1, configuration.changesPerEvent)
        position = revision
        hasState = revision != nil
    }

    mutating func handle(
        _ event: Event, now: Instant, using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        switch (event, phase) {
        case (.started, .idle), (.waited, .waiting):
            phase = .connected(since: now)
            isHeard = false
            said = .connected
            return [.connect(resuming: position)]
        case (.received(let messages), .connected): return receive(messages, now: now)
        // Read before the connection was closed.
        case (.received, .closing): return []
        case (.disconnected(let retryAfter, let time), .connected(let since)),
            (.disconnected(let retryAfter, let time), .closing(let since)):
            return disconnected(retryAfter, at: time, connectedFor: now - since, now: now, using: &generator)
        case (.started, _), (.waited, _), (.received, _), (.disconnected, _):
            preconditionFailure("the watch was told \(event) while \(phase)")
        }
    }

    private mutating func disconnected(
        _ retryAfter: Duration?, at time: WallTime, connectedFor: Duration, now: Instant,
        using generator: inout some RandomNumberGenerator
    ) -> [Action] {
        assembly = [:]
        isAssembling = false
        var actions: [Action] = []
        if isHeard {
            lostAt = time
            if connectedFor >= stableAfter { attempts = 0 }
        } else {
            let since = lostAt ?? time
            lostAt = since
            if told == .connected { tell(.stale(since: since), &actions) }
        }
        // One failure of each server together is one round: with several, the next is asked soon.
        let drawn = backoff.delay(afterFailures: attempts / servers + 1, using: &generator)
        let pause = max(drawn, retryAfter ?? .zero, pauseAdvised)
        attempts += 1
        phase = .waiting
        actions.append(.wait(until: now + pause))
        return actions
    }

    private mutating func receive(_ messages: [WatchMessage], now: Instant) -> [Action] {
        var actions: [Action] = []
        for message in messages {
            if let fault = take(message, &actions) {
                flush(&actions)
                // What is known may be wrong from here on: the next connection brings it anew.
                position = nil
                close(fault, &actions)
                break
            }
            if case .closing = phase { break }
        }
        flush(&actions)
        return actions
    }

    /// - Returns: What breaks the protocol, if anything does.
    private mutating func take(_ message: WatchMessage, _ actions: inout [Action]) -> String? {
        switch message {
        case .snapshot(let snapshot):
            flush(&actions)
            isAssembling = true
            guard scope.contains(snapshot.service) else { break }
            guard assembly.updateValue(snapshot, forKey: snapshot.service) == nil else {
                return "the service \(snapshot.service) came twice in one snapshot"
            }
        case .synced(let revision, let cause): return synced(revision, cause, &actions)
        case .change(let change):
            guard hasState, !isAssembling, let position else {
                return "a change came before the snapshot was complete"
            }
            guard change.revision > position else {
                return "revision \(change.revision) came after \(position)"
            }
            heard(&actions)
            if scope.contains(change.key.service) { pending.append(change) }
            self.position = change.revision
            if pending.count == changesPerEvent { flush(&actions) }
        case .engine(let state):
            said = state
            if isHeard { tell(state, &actions) } else { heard(&actions) }
        case .end(let reason):
            flush(&actions)
            heard(&actions)
            close("the server ends the watch: \(reason)", &actions)
        case .alive: heard(&actions)
        case .retry(let pause): pauseAdvised = min(pause, Self.longestAdvisedPause)
        case .unknown: break
        case .malformed(let problem): return problem
        }
        return nil
    }

    private mutating func synced(
        _ revision: Revision, _ cause: WatchSnapshot.Cause, _ actions: inout [Action]
    ) -> String? {
        flush(&actions)
        if cause == .coalesced, let position, revision < position {
            return "the snapshot of revision \(revision) came after \(position)"
        }
        let snapshot = WatchSnapshot(
            revision: revision, cause: !hasState ? .initial : cause == .initial ? .gap : cause,
            services: completed(at: revision))
        assembly = [:]
        isAssembling = false
        position = revision
        // The state of the engine is about a state that the consumer has: what it hears first is the snapshot.
        if hasState { heard(&actions) }
        hasState = true
        actions.append(.deliver(.snapshot(snapshot)))
        heard(&actions)
        return nil
    }

    private func completed(at revision: Revision) -> [ServiceSnapshot] {
        if case .service(let name) = scope {
            let none: [ServiceInstance] = []
            return [assembly[name] ?? ServiceSnapshot(service: name, revision: revision, instances: none)]
        }
        return assembly.values.filter { !$0.isEmpty }.sorted { $0.service < $1.service }
    }

    /// The connection is a good one, unless it has yet to bring the snapshot it was made for. What the server says of
    /// its engine is heard anew on each; silence means connected.
    private mutating func heard(_ actions: inout [Action]) {
        guard !isHeard, position != nil else { return }
        isHeard = true
        lostAt = nil
        tell(said, &actions)
    }

    private mutating func tell(_ state: EngineState, _ actions: inout [Action]) {
        guard hasState, state != told else { return }
        flush(&actions)
        told = state
        actions.append(.deliver(.engine(state)))
    }

    private mutating func flush(_ actions: inout [Action]) {
        guard let last = pending.last else { return }
        actions.append(.deliver(.changes(WatchChanges(revision: last.revision, changes: pending))))
        pending = []
    }

    private mutating func close(_ reason: String, _ actions: inout [Action]) {
        guard case .connected(let since) = phase else { return }
        phase = .closing(since: since)
        actions.append(.disconnect(reason))
    }
}
