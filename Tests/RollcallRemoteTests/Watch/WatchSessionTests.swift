// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote
import RollcallTesting
import Testing

@Suite("The session of a watch")
struct WatchSessionTests {
    private func snapshot(_ ids: InstanceID..., service: ServiceName = "web", revision: UInt64 = 1) -> WatchMessage {
        .snapshot(Sample.snapshot(ids, service: service, revision: revision))
    }

    private func synced(_ revision: UInt64, _ cause: WatchSnapshot.Cause = .initial) -> WatchMessage {
        .synced(Revision(revision), cause: cause)
    }

    private func change(
        _ id: InstanceID, _ revision: UInt64, _ kind: InstanceChange.Kind = .registered
    ) -> WatchMessage {
        .change(Sample.change(id, kind, revision: revision))
    }

    /// A rig that has had its first snapshot, of revision 10 with the instance a.
    private func synced(servers: Int = 1) -> SessionRig {
        var rig = SessionRig(servers: servers)
        _ = rig.start()
        _ = rig.receive(snapshot("a"), synced(10))
        return rig
    }

    @Test("begins with one complete snapshot, put together from its parts")
    func assembly() {
        var rig = SessionRig(.all)
        #expect(rig.start() == ["connect anew"])
        #expect(rig.receive(snapshot("b", "a", service: "web")) == [])
        #expect(rig.receive(.alive, snapshot("x", service: "api")) == [])
        #expect(rig.receive(synced(10)) == ["snapshot initial 10 api[x] web[a b]"])
        #expect(rig.receive(change("c", 11), change("a", 12, .evicted)) == ["changes 12 +c -a"])
    }

    @Test("of a service without instances begins with that service, empty; of several with none")
    func empty() {
        var one = SessionRig(.service("web"))
        _ = one.start()
        #expect(one.receive(synced(10)) == ["snapshot initial 10 web[]"])
        var several = SessionRig(.services(["web", "api"]))
        _ = several.start()
        #expect(several.receive(snapshot(service: "web"), synced(10)) == ["snapshot initial 10 "])
    }

    @Test("tells nothing before the first snapshot, however often it fails")
    func patience() {
        var rig = SessionRig()
        _ = rig.start()
        for _ in 0 ..< 5 {
            #expect(rig.lose() == ["wait"])
            #expect(rig.wait() == ["connect anew"])
        }
        #expect(rig.receive(.alive, .engine(.stale(since: WallTime(millisecondsSinceEpoch: 5))), snapshot("a")) == [])
        #expect(rig.lose() == ["wait"])
        #expect(rig.wait() == ["connect anew"])
        #expect(rig.receive(snapshot("b"), synced(10, .gap)) == ["snapshot initial 10 web[b]"])
    }

    @Test("resumes after a loss where it was, and says nothing of a loss that was made up at once")
    func resume() {
        var rig = synced()
        #expect(rig.receive(change("b", 11)) == ["changes 11 +b"])
        #expect(rig.lose(after: .seconds(60), at: 1000) == ["wait"])
        #expect(rig.wait() == ["connect 11"])
        #expect(rig.receive(.alive, change("c", 12)) == ["changes 12 +c"])
    }

    @Test("is stale since the loss when the first new connection fails, and connected when the server is heard again")
    func stale() {
        var rig = synced()
        #expect(rig.lose(after: .seconds(60), at: 1000) == ["wait"])
        #expect(rig.wait() == ["connect 10"])
        #expect(rig.lose(at: 2000) == ["stale 1000", "wait"])
        #expect(rig.wait() == ["connect 10"])
        #expect(rig.lose(at: 3000) == ["wait"])
        #expect(rig.wait() == ["connect 10"])
        #expect(rig.receive(.alive) == ["connected"])
        #expect(rig.lose(at: 4000) == ["wait"])
        #expect(rig.wait() == ["connect 10"])
        #expect(rig.lose(at: 5000) == ["stale 4000", "wait"])
    }

    @Test("takes an initial snapshot that comes later for a gap, and passes on the other causes")
    func causes() {
        var rig = synced()
        #expect(rig.receive(snapshot("b"), synced(20, .coalesced)) == ["snapshot coalesced 20 web[b]"])
        #expect(rig.receive(snapshot("c"), synced(5, .gap)) == ["snapshot gap 5 web[c]"])
        #expect(rig.receive(snapshot("d"), synced(6, .initial)) == ["snapshot gap 6 web[d]"])
    }

    @Test("connects for a snapshot when a revision does not grow", arguments: [9, 10])
    func goingBack(_ revision: UInt64) {
        var rig = synced()
        #expect(rig.receive(change("b", 11), change("c", revision), change("d", 12)) == ["changes 11 +b", "disconnect"])
        #expect(rig.receive(change("e", 13)) == [])
        #expect(rig.lose() == ["wait"])
        #expect(rig.wait() == ["connect anew"])
        #expect(rig.receive(snapshot("a", "b"), synced(12)) == ["snapshot gap 12 web[a b]"])
    }

    @Test("connects for a snapshot when the stream makes no sense")
    func nonsense() {
        let faults: [[WatchMessage]] = [
            [.malformed("x")],
            [snapshot("a"), snapshot("b")],
            [snapshot("a"), change("b", 11)],
            [snapshot("a"), synced(9, .coalesced)],
        ]
        for fault in faults {
            var rig = synced()
            let actions = rig.raw(.received(fault))
            guard case .disconnect? = actions.last, actions.count == 1 else {
                Issue.record("\(fault) was answered \(actions)")
                continue
            }
            #expect(rig.lose() == ["wait"])
            #expect(rig.wait() == ["connect anew"])
        }
    }

    @Test("a server that sends nonsense again and again is as good as none")
    func nonsenseAgain() {
        var rig = synced()
        #expect(rig.receive(.malformed("x")) == ["disconnect"])
        #expect(rig.lose(at: 1000) == ["wait"])
        _ = rig.wait()
        #expect(rig.receive(.alive, .malformed("x")) == ["disconnect"])
        #expect(rig.lose(at: 2000) == ["stale 1000", "wait"])
    }

    @Test("passes on what the server says of its own engine, and takes silence on a new connection for connected")
    func engine() {
        let lost = EngineState.stale(since: WallTime(millisecondsSinceEpoch: 7))
        var rig = SessionRig()
        _ = rig.start()
        #expect(
            rig.receive(.engine(lost), snapshot("a"), synced(10)) == ["snapshot initial 10 web[a]", "stale 7"])
        #expect(rig.receive(.engine(lost)) == [])
        #expect(rig.receive(change("b", 11), .engine(.connected)) == ["changes 11 +b", "connected"])
        #expect(rig.receive(.engine(lost)) == ["stale 7"])
        #expect(rig.lose(at: 1000) == ["wait"])
        _ = rig.wait()
        #expect(rig.receive(.engine(lost)) == [])
        #expect(rig.lose(at: 1000) == ["wait"])
        _ = rig.wait()
        #expect(rig.receive(.alive) == ["connected"])
    }

    @Test("that was resumed by its caller asks for what came after, and can be stale at once")
    func resumedByCaller() {
        var rig = SessionRig(from: 10)
        #expect(rig.start() == ["connect 10"])
        #expect(rig.lose(at: 1000) == ["stale 1000", "wait"])
        #expect(rig.wait() == ["connect 10"])
        #expect(rig.receive(.alive) == ["connected"])
        #expect(rig.receive(change("b", 11)) == ["changes 11 +b"])
        #expect(rig.receive(snapshot("z"), synced(3, .gap)) == ["snapshot gap 3 web[z]"])
    }

    @Test("connects again when the server says that it goes")
    func end() {
        var rig = synced()
        #expect(rig.receive(change("b", 11), .end(reason: "shutdown")) == ["changes 11 +b", "disconnect"])
        #expect(rig.lose() == ["wait"])
        #expect(rig.wait() == ["connect 11"])
    }

    @Test("does not know every event, and does not mind")
    func unknown() {
        var rig = synced()
        #expect(rig.receive(.unknown, change("b", 11)) == ["changes 11 +b"])
    }

    @Test("leaves out services that it does not follow, and goes on after their changes")
    func strangers() {
        var rig = SessionRig(.services(["web", "api"]))
        _ = rig.start()
        #expect(rig.receive(snapshot("x", service: "other")) == [])
        #expect(rig.receive(snapshot("a"), synced(10)) == ["snapshot initial 10 web[a]"])
        let stranger = WatchMessage.change(Sample.change("x", service: "other", revision: 11))
        #expect(rig.receive(stranger) == [])
        #expect(rig.receive(change("b", 12), stranger) == ["changes 12 +b", "disconnect"])
        #expect(rig.lose() == ["wait"])

        var next = SessionRig(.services(["web", "api"]), from: 10)
        _ = next.start()
        #expect(next.receive(stranger) == [])
        #expect(next.lose(at: 1000) == ["wait"])
        #expect(next.wait() == ["connect 11"])
        #expect(next.receive(snapshot("x", service: "other"), change("b", 12)) == ["disconnect"])
    }

    @Test("tells many changes in batches")
    func batches() {
        var configuration = RemoteConfiguration()
        configuration.changesPerEvent = 2
        var rig = SessionRig(configuration: configuration)
        _ = rig.start()
        let actions = rig.receive(synced(10), change("a", 11), change("b", 12), change("c", 13))
        #expect(actions == ["snapshot initial 10 web[]", "changes 12 +a +b", "changes 13 +c"])
    }

    @Test("waits longer from failure to failure, as long as it is told, and begins anew after a good connection")
    func pauses() {
        var rig = synced()
        var longest = Duration.zero
        for _ in 0 ..< 30 {
            let lost = rig.now
            _ = rig.lose()
            longest = max(longest, (rig.waitsUntil ?? lost) - lost)
            _ = rig.wait()
        }
        #expect(longest > .seconds(5))
        #expect(longest <= .seconds(15))

        _ = rig.receive(.alive)
        _ = rig.lose(after: .seconds(11))
        let lost = rig.now
        #expect((rig.waitsUntil ?? lost) - lost <= .milliseconds(200))
        _ = rig.wait()
        let refused = rig.now
        _ = rig.lose(retryAfter: .seconds(40))
        #expect(rig.waitsUntil == refused + .seconds(40))
        _ = rig.wait()
        _ = rig.receive(.retry(.seconds(3)))
        _ = rig.lose(after: .seconds(11))
        let third = rig.now
        #expect(rig.waitsUntil == third + .seconds(3))
        _ = rig.wait()
        _ = rig.receive(.retry(.seconds(100_000)))
        _ = rig.lose(after: .seconds(11))
        let fourth = rig.now
        #expect(rig.waitsUntil == fourth + .seconds(60))
    }
}
