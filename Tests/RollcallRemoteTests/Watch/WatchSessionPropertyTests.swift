// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote
import RollcallTesting
import Testing

/// A server of one service as simple as can be, with a history of its changes.
private struct ModelServer {
    private(set) var revision: UInt64 = 1
    private(set) var members: Set<InstanceID> = []
    private(set) var history: [InstanceChange] = []
    private var forgotten: UInt64 = 1

    mutating func change(using random: inout SeededGenerator) {
        let id = InstanceID("\(Int.random(in: 0 ..< 6, using: &random))")
        revision += UInt64.random(in: 1 ... 3, using: &random)
        let kind: InstanceChange.Kind = members.contains(id) ? .deregistered : .registered
        if kind == .deregistered { members.remove(id) } else { members.insert(id) }
        history.append(Sample.change(id, kind, revision: revision))
    }

    /// Forgets the history, as a server does whose history is bounded.
    mutating func forget() {
        history = []
        forgotten = revision
    }

    /// What a stream says that begins after `seen`.
    func beginning(after seen: Revision?) -> [WatchMessage] {
        guard let seen, seen.value >= forgotten else { return snapshot(seen == nil ? .initial : .gap) }
        return [.alive] + history.filter { $0.revision > seen }.map { .change($0) }
    }

    func snapshot(_ cause: WatchSnapshot.Cause) -> [WatchMessage] {
        [
            .snapshot(Sample.snapshot(Array(members), revision: revision)),
            .synced(Revision(revision), cause: cause),
        ]
    }
}

/// What a consumer knows, with the rules it relies on.
private struct ModelConsumer {
    var members: Set<InstanceID> = []
    var revision = Revision.zero
    var hasState = false
    var isStale = false

    mutating func take(_ event: WatchEvent, _ seed: UInt64) {
        switch event {
        case .snapshot(let snapshot):
            #expect((snapshot.cause == .initial) == !hasState, "\(snapshot.cause), seed \(seed)")
            #expect(snapshot.services.map(\.service) == ["web"], "seed \(seed)")
            hasState = true
            members = Set(snapshot.services.flatMap(\.instances).map(\.id))
            revision = snapshot.revision
        case .changes(let batch):
            #expect(hasState && !batch.changes.isEmpty, "seed \(seed)")
            for change in batch.changes {
                #expect(change.revision > revision, "seed \(seed)")
                revision = change.revision
                if change.isRemoval { members.remove(change.key.id) } else { members.insert(change.key.id) }
            }
            #expect(batch.revision == revision, "seed \(seed)")
        case .engine(let state):
            #expect(hasState, "the engine before the first snapshot, seed \(seed)")
            #expect(isStale == (state == .connected), "told twice, seed \(seed)")
            isStale = state != .connected
        }
    }
}

@Suite("The session of a watch, in random courses")
struct WatchSessionPropertyTests {
    @Test("a consumer that was told everything knows what the server knows", arguments: 0 ..< 400)
    func mirrors(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var rig = SessionRig(servers: Int.random(in: 1 ... 3, using: &random), seed: seed)
        var server = ModelServer()
        var consumer = ModelConsumer()
        var isConnected = false
        /// What the server said and the session has not read yet.
        var inFlight: [WatchMessage] = []

        func perform(_ actions: [WatchSession.Action]) -> WatchSession.Action? {
            var control: WatchSession.Action?
            for action in actions {
                #expect(control == nil, "something follows \(action), seed \(seed)")
                if case .deliver(let event) = action { consumer.take(event, seed) } else { control = action }
            }
            return control
        }

        /// Does what the session wants, connections failing now and then, until it is connected.
        func follow(_ first: WatchSession.Action?, reliably: Bool) {
            var control = first
            for _ in 0 ..< 200 {
                switch control {
                case .connect(let revision)?:
                    #expect(revision == nil || revision == consumer.revision, "seed \(seed)")
                    if !reliably, Int.random(in: 0 ..< 3, using: &random) == 0 {
                        control = perform(rig.raw(disconnected))
                    } else {
                        isConnected = true
                        inFlight = server.beginning(after: revision)
                        return
                    }
                case .wait(let until)?:
                    #expect(until >= rig.now, "seed \(seed)")
                    control = perform(rig.raw(.waited))
                case .disconnect?: control = perform(rig.raw(disconnected))
                case .deliver?, nil:
                    Issue.record("no connection came about, seed \(seed)")
                    return
                }
            }
        }

        /// The session reads some of what is in flight, in one piece.
        func read(_ count: Int, reliably: Bool) {
            let piece = Array(inFlight.prefix(count))
            inFlight.removeFirst(piece.count)
            if case .disconnect? = perform(rig.raw(.received(piece))) {
                isConnected = false
                follow(perform(rig.raw(disconnected)), reliably: reliably)
            }
        }

        follow(perform(rig.raw(.started)), reliably: false)
        for _ in 0 ..< 80 where isConnected {
            switch Int.random(in: 0 ..< 12, using: &random) {
            case 0 ... 4:
                server.change(using: &random)
                if let change = server.history.last { inFlight.append(.change(change)) }
            case 5 ... 7: read(Int.random(in: 0 ... 4, using: &random), reliably: false)
            case 8: inFlight += server.snapshot(.coalesced)
            case 9:
                isConnected = false
                follow(perform(rig.raw(disconnected)), reliably: false)
            case 10: server.forget()
            default:
                let odd: [WatchMessage] = [
                    .malformed("x"), .end(reason: "shutdown"), .alive, .unknown, .retry(.seconds(1)),
                    .change(Sample.change("0", revision: 1)), .engine(.connected),
                ]
                inFlight.append(odd[Int.random(in: 0 ..< odd.count, using: &random)])
            }
        }
        // Whatever happened, in the end all that is in flight is read.
        for _ in 0 ..< 20 where !inFlight.isEmpty { read(inFlight.count, reliably: true) }
        #expect(consumer.hasState, "seed \(seed)")
        #expect(consumer.members == server.members, "seed \(seed)")
        #expect(!consumer.isStale, "seed \(seed)")
    }

    private var disconnected: WatchSession.Event {
        .disconnected(retryAfter: nil, at: WallTime(millisecondsSinceEpoch: 0))
    }
}
