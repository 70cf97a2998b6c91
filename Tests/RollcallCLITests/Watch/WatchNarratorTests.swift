// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Testing

@testable import RollcallCLI

@Suite("WatchNarrator")
struct WatchNarratorTests {
    private let time = WallTime(millisecondsSinceEpoch: 1_000)

    private func instance(_ id: String, _ revision: UInt64, lease: LeaseState = .current) -> ServiceInstance {
        ServiceInstance(
            registration: Registration(service: "web", id: InstanceID(id), host: "h", port: 80),
            incarnation: Incarnation(1), leaseState: lease, revision: Revision(revision), registeredAt: time,
            changedAt: time)
    }

    private func snapshot(_ instances: [ServiceInstance], _ cause: WatchSnapshot.Cause = .initial) -> WatchEvent {
        let service = ServiceSnapshot(service: "web", revision: Revision(9), instances: instances)
        return .snapshot(WatchSnapshot(revision: Revision(9), cause: cause, services: [service]))
    }

    private func change(_ kind: InstanceChange.Kind, _ instance: ServiceInstance) -> WatchEvent {
        .changes(
            WatchChanges(
                revision: instance.revision,
                changes: [InstanceChange(revision: instance.revision, kind: kind, instance: instance, bornAt: .zero)]))
    }

    private func texts(_ lines: [WatchNarrator.Line]) -> [String] {
        lines.map { $0.text(at: time, style: .plain) }
    }

    @Test("it begins with what is there, then tells each change with the status before and after")
    func changes() {
        var narrator = WatchNarrator()
        #expect(
            texts(narrator.handle(snapshot([instance("a", 1)])))
                == ["00:00:01.000Z  present       web/a  http://h:80  up\n"])
        #expect(
            texts(narrator.handle(change(.registered, instance("b", 2))))
                == ["00:00:01.000Z  registered    web/b  http://h:80  new -> up\n"])
        #expect(
            texts(narrator.handle(change(.lapsed, instance("b", 3, lease: .lapsed))))
                == ["00:00:01.000Z  lapsed        web/b  http://h:80  up -> down\n"])
        #expect(
            texts(narrator.handle(change(.evicted, instance("b", 4, lease: .lapsed))))
                == ["00:00:01.000Z  evicted       web/b  http://h:80  down -> gone\n"])
        #expect(
            texts(narrator.handle(change(.registered, instance("b", 5))))
                == ["00:00:01.000Z  registered    web/b  http://h:80  new -> up\n"])
    }

    @Test("a change that leaves the status as it was shows it once")
    func sameStatus() {
        var narrator = WatchNarrator()
        _ = narrator.handle(snapshot([instance("a", 1)]))
        #expect(
            texts(narrator.handle(change(.updated, instance("a", 2))))
                == ["00:00:01.000Z  updated       web/a  http://h:80  up\n"])
    }

    @Test("a later snapshot is told as the difference to what was known")
    func laterSnapshot() {
        var narrator = WatchNarrator()
        _ = narrator.handle(snapshot([instance("a", 1), instance("b", 2), instance("c", 3)]))
        let lines = narrator.handle(
            snapshot([instance("a", 1), instance("b", 4, lease: .lapsed), instance("d", 5)], .gap))
        #expect(
            texts(lines) == [
                "00:00:01.000Z  changed       web/b  http://h:80  up -> down\n",
                "00:00:01.000Z  appeared      web/d  http://h:80  new -> up\n",
                "00:00:01.000Z  gone          web/c  http://h:80  up -> gone\n",
            ])
    }

    @Test("losing the registry and finding it again is told")
    func engine() {
        var narrator = WatchNarrator()
        #expect(
            texts(narrator.handle(.engine(.stale(since: time))))
                == ["00:00:01.000Z  engine        lost; what is known is from 1970-01-01T00:00:01.000Z\n"])
        #expect(texts(narrator.handle(.engine(.connected))) == ["00:00:01.000Z  engine        connected\n"])
    }

    @Test("for programs a line is one JSON object with the instance and what it was before")
    func json() throws {
        var narrator = WatchNarrator()
        _ = narrator.handle(snapshot([instance("a", 1)]))
        let line = try #require(narrator.handle(change(.evicted, instance("a", 2, lease: .lapsed))).first)
        let value = try JSONValue.parse(Array(line.json(at: time).utf8))
        #expect(value["kind"]?.stringValue == "evicted")
        #expect(value["service"]?.stringValue == "web")
        #expect(value["before"]?.stringValue == "up")
        #expect(value["after"]?.isNull == true)
        #expect(value["instance"]?["status"]?.stringValue == "down")
        #expect(value["time"]?.stringValue == "1970-01-01T00:00:01.000Z")
    }

    @Test("a value from the registry cannot steer the terminal")
    func controlCharacters() {
        let line = WatchNarrator.Line(
            kind: "present", subject: .instance(instance("a\u{1B}[2J", 1), before: nil, isGone: false))
        #expect(!line.text(at: time, style: .plain).contains("\u{1B}"))
    }
}
