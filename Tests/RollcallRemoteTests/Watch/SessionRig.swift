// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote
import RollcallTesting

/// Drives a session as the shell does, and writes down what it wants in words.
struct SessionRig {
    private var session: WatchSession
    private var random: SeededGenerator
    private(set) var now = Instant.zero
    /// The last wait that was asked for.
    private(set) var waitsUntil: Instant?

    init(
        _ scope: WatchScope = .service("web"), from revision: UInt64? = nil, servers: Int = 1,
        configuration: RemoteConfiguration = RemoteConfiguration(), seed: UInt64 = 1
    ) {
        session = WatchSession(
            scope, from: revision.map { Revision($0) }, servers: servers, configuration: configuration)
        random = SeededGenerator(seed: seed)
    }

    mutating func raw(_ event: WatchSession.Event) -> [WatchSession.Action] {
        session.handle(event, now: now, using: &random)
    }

    mutating func start() -> [String] { words(raw(.started)) }

    mutating func receive(_ messages: WatchMessage...) -> [String] { words(raw(.received(messages))) }

    /// The connection is lost `after` the time it has lasted.
    mutating func lose(
        after duration: Duration = .zero, at wallTime: Int64 = 0, retryAfter: Duration? = nil
    ) -> [String] {
        now = now + duration
        let time = WallTime(millisecondsSinceEpoch: wallTime)
        return words(raw(.disconnected(retryAfter: retryAfter, at: time)))
    }

    /// Lets the pause pass that was asked for.
    mutating func wait() -> [String] {
        now = max(now, waitsUntil ?? now)
        return words(raw(.waited))
    }

    private mutating func words(_ actions: [WatchSession.Action]) -> [String] {
        actions.map { action in
            switch action {
            case .connect(let revision): return "connect \(revision.map(\.description) ?? "anew")"
            case .disconnect: return "disconnect"
            case .wait(let until):
                waitsUntil = until
                return "wait"
            case .deliver(let event): return event.words
            }
        }
    }
}

extension WatchEvent {
    /// The event in words, for comparing.
    var words: String {
        switch self {
        case .snapshot(let snapshot):
            let services = snapshot.services.map { service in
                "\(service.service)[\(service.instances.map(\.id.value).joined(separator: " "))]"
            }
            return "snapshot \(snapshot.cause) \(snapshot.revision) \(services.joined(separator: " "))"
        case .changes(let batch):
            let changes = batch.changes.map { "\($0.isRemoval ? "-" : "+")\($0.key.id)" }
            return "changes \(batch.revision) \(changes.joined(separator: " "))"
        case .engine(.connected): return "connected"
        case .engine(.stale(let since)): return "stale \(since.millisecondsSinceEpoch)"
        }
    }
}
