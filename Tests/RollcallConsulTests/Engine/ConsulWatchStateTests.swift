// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallConsul

@Suite("What a watch of Consul tells")
struct ConsulWatchStateTests {
    private static func entry(
        _ id: String, _ index: UInt64, service: String = "web", tags: [String] = [], created: UInt64 = 1
    ) -> ConsulHealthEntry {
        ConsulHealthEntry(
            node: ConsulNode(name: "n", address: "a", datacenter: "dc1"),
            service: ConsulService(
                id: id, name: service, tags: tags, address: "h", port: 1, createIndex: created, modifyIndex: index),
            checks: [])
    }

    private static let time = WallTime(millisecondsSinceEpoch: 5)

    private func texts(_ events: [WatchEvent]) -> [String] {
        events.map { event in
            switch event {
            case .snapshot(let snapshot):
                let ids = snapshot.services.map { "\($0.service)\($0.instances.map(\.id.value))" }
                return "\(snapshot.cause) \(snapshot.revision) \(ids.joined())"
            case .changes(let changes):
                let parts = changes.changes.map { "\($0.kind) \($0.key.id) \($0.revision)" }
                return "changes \(changes.revision): \(parts.joined(separator: ", "))"
            case .engine(.connected): return "connected"
            case .engine(.stale(let since)): return "stale \(since.millisecondsSinceEpoch)"
            }
        }
    }

    private func watching(_ scope: WatchScope = .service("web"), isResuming: Bool = false) -> ConsulWatchState {
        var state = ConsulWatchState(scope, isResuming: isResuming)
        if case .service(let name) = scope { state.follow(Set(ConsulNaming.spellings(of: name))) }
        return state
    }

    @Test("nothing comes before the first answer, then a snapshot, then changes with revisions of their own")
    func changes() {
        var state = watching()
        #expect(texts(state.events(now: .zero)).isEmpty)
        state.hear("web", [Self.entry("a", 4)], index: 7, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == [#"initial 7 web["a@n"]"#])
        state.hear("web", [Self.entry("a", 4), Self.entry("b", 8)], index: 8, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["changes 8: registered b@n 8"])
        state.hear("web", [Self.entry("a", 9, tags: ["x"]), Self.entry("b", 8)], index: 9, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["changes 9: updated a@n 9"])
        state.hear("web", [Self.entry("a", 9, tags: ["x"])], index: 10, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["changes 10: deregistered b@n 10"])
        #expect(texts(state.events(now: .zero)).isEmpty)
    }

    @Test("an answer that says what is known is no event")
    func identical() {
        var state = watching()
        state.hear("web", [Self.entry("a", 4)], index: 7, isNewHistory: false)
        _ = state.events(now: .zero)
        state.hear("web", [Self.entry("a", 4)], index: 8, isNewHistory: false)
        #expect(state.events(now: .zero).isEmpty)
        state.hear("web", [Self.entry("a", 4), Self.entry("b", 9)], index: 9, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["changes 9: registered b@n 9"])
    }

    @Test("what cannot be told as changes in order is a newer snapshot")
    func coalesced() {
        var state = watching()
        state.hear("web", [Self.entry("a", 4), Self.entry("b", 5)], index: 7, isNewHistory: false)
        _ = state.events(now: .zero)
        state.hear("web", [], index: 9, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["coalesced 9 web[]"])
        state.hear("web", [Self.entry("a", 3)], index: 10, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == [#"coalesced 10 web["a@n"]"#])
    }

    @Test("a history that began anew is a gap, with its own revisions")
    func newHistory() {
        var state = watching()
        state.hear("web", [Self.entry("a", 400)], index: 700, isNewHistory: false)
        _ = state.events(now: .zero)
        state.hear("web", [Self.entry("a", 2)], index: 3, isNewHistory: true)
        #expect(texts(state.events(now: .zero)) == [#"gap 3 web["a@n"]"#])
        state.hear("web", [Self.entry("a", 2), Self.entry("b", 4)], index: 4, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["changes 4: registered b@n 4"])
    }

    @Test("a consumer that had state begins with a gap")
    func resuming() {
        var state = watching(isResuming: true)
        state.hear("web", [], index: 7, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["gap 7 web[]"])
    }

    @Test("the spellings of a service are one, and all have to be heard")
    func spellings() {
        var state = watching(.service("Web"))
        state.hear("web", [Self.entry("a", 4)], index: 7, isNewHistory: false)
        #expect(state.events(now: .zero).isEmpty)
        state.hear("Web", [Self.entry("b", 5, service: "Web")], index: 6, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == [#"initial 7 Web["a@n", "b@n"]"#])
        state.hear("WEB", [Self.entry("c", 8)], index: 8, isNewHistory: false)
        #expect(state.events(now: .zero).isEmpty)
    }

    @Test("of two entries of one instance the later life counts")
    func twice() {
        func entry(_ node: String, _ incarnation: String, _ port: Int) -> ConsulHealthEntry {
            var entry = Self.entry("web:1", 5)
            entry.node.name = node
            entry.service.port = port
            entry.service.meta = ["rollcall-id": "1", "rollcall-incarnation": incarnation]
            return entry
        }
        var state = watching()
        state.hear("web", [entry("n1", "7", 1), entry("n2", "8", 2)], index: 7, isNewHistory: false)
        guard case .snapshot(let snapshot)? = state.events(now: .zero).first else {
            Issue.record("a snapshot was expected")
            return
        }
        #expect(snapshot.services.first?.instances.map(\.port) == [2])
    }

    @Test("all services come and go with the list")
    func all() {
        var state = watching(.all)
        #expect(state.events(now: .zero).isEmpty)
        state.follow(["web", "db"])
        state.hear("web", [Self.entry("a", 4)], index: 7, isNewHistory: false)
        #expect(state.events(now: .zero).isEmpty)
        state.hear("db", [Self.entry("d", 5, service: "db")], index: 6, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == [#"initial 7 db["d@n"]web["a@n"]"#])
        state.follow(["web", "db", "new"])
        // Whoever is told of what is not known yet is told wrongly.
        #expect(state.events(now: .zero).isEmpty)
        state.hear("new", [Self.entry("n", 8, service: "new")], index: 8, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["changes 8: registered n@n 8"])
        state.hear("db", [], index: 9, isNewHistory: false)
        state.follow(["web", "new"])
        #expect(texts(state.events(now: .zero)) == ["changes 9: deregistered d@n 9"])
        state.follow(["new"])
        #expect(texts(state.events(now: .zero)).count == 1)
        state.hear("db", [Self.entry("late", 10, service: "db")], index: 10, isNewHistory: false)
        #expect(state.events(now: .zero).isEmpty)
    }

    @Test("an empty datacenter has an empty snapshot")
    func empty() {
        var state = watching(.all)
        state.follow([])
        #expect(texts(state.events(now: .zero)) == ["initial 0 "])
    }

    @Test("one failure is no event, two in a row are the loss of the engine since the first")
    func stale() {
        var state = watching()
        state.fail("web", at: Self.time)
        state.fail("web", at: Self.time)
        #expect(state.events(now: .zero).isEmpty)
        state.hear("web", [], index: 7, isNewHistory: false)
        #expect(texts(state.events(now: .zero)) == ["initial 7 web[]"])
        state.fail("web", at: Self.time)
        #expect(state.events(now: .zero).isEmpty)
        state.fail("web", at: WallTime(millisecondsSinceEpoch: 9))
        #expect(texts(state.events(now: .zero)) == ["stale 5"])
        state.confirm("web")
        #expect(texts(state.events(now: .zero)) == ["connected"])
    }

    @Test("what is told adds up to what there is", arguments: [1, 2, 3, 4] as [UInt64])
    func property(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var state = watching(.all)
        var truth: [String: [String: ConsulHealthEntry]] = [:]
        var mirror: [InstanceKey: ServiceInstance] = [:]
        var told = Revision.zero
        var index: UInt64 = 1
        state.follow([])
        for round in 0 ..< 2000 {
            index += UInt64.random(in: 1 ... 2, using: &generator)
            let name = ["web", "db", "x"].randomElement(using: &generator) ?? ""
            let id = ["a", "b", "c"].randomElement(using: &generator) ?? ""
            if Bool.random(using: &generator) {
                truth[name, default: [:]][id] = Self.entry(id, index, service: name, tags: ["\(index)"])
            } else {
                truth[name]?[id] = nil
                if truth[name]?.isEmpty ?? false { truth[name] = nil }
            }
            state.follow(Set(truth.keys))
            for name in truth.keys where Int.random(in: 0 ..< 3, using: &generator) > 0 {
                state.hear(name, Array(truth[name, default: [:]].values), index: index, isNewHistory: false)
            }
            // Told at the end of some rounds, when all was heard.
            if round % 3 == 0 {
                for (name, entries) in truth {
                    state.hear(name, Array(entries.values), index: index, isNewHistory: false)
                }
            }
            for event in state.events(now: .zero) { apply(event, &mirror, &told) }
            guard round % 3 == 0 else { continue }
            let expected = truth.values.flatMap(\.values).map { ServiceInstance($0) }
            #expect(Set(mirror.values) == Set(expected), "seed \(seed), round \(round)")
        }
    }

    private func apply(_ event: WatchEvent, _ mirror: inout [InstanceKey: ServiceInstance], _ told: inout Revision) {
        switch event {
        case .snapshot(let snapshot):
            #expect(snapshot.revision >= told)
            told = snapshot.revision
            mirror = [:]
            for instance in snapshot.services.flatMap(\.instances) { mirror[instance.key] = instance }
        case .changes(let changes):
            for change in changes.changes {
                #expect(change.revision > told)
                told = change.revision
                mirror[change.key] = change.isRemoval ? nil : change.instance
            }
            #expect(changes.revision >= told)
            told = changes.revision
        case .engine: Issue.record("nothing was lost")
        }
    }
}
