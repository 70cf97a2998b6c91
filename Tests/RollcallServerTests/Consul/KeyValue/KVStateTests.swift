// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("The state of the KV store")
struct KVStateTests {
    private static let keys: [KVKey] = ["", "a", "a/", "a/b", "a/b/c", "a/c", "b", "b/x", "\u{e9}", "e\u{301}"]

    @Test("ends after every sequence of commands as a simple model says", arguments: 0..<150 as Range<UInt64>)
    func sequences(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var state = KVState(index: 7)
        var model = KVModel()
        var now = Instant.zero
        var index: UInt64 = 7
        var seen: [KVKey: (one: UInt64, under: UInt64)] = [:]
        for _ in 0..<80 {
            index += UInt64.random(in: 1...3, using: &random)
            now = now + .seconds(Int.random(in: 0...9, using: &random))
            let command = command(model, using: &random)
            let before = state
            var changes = KVChanges()
            let reply = state.apply(command, index: index, now: now, changes: &changes)
            let expected = model.apply(command, index: index, now: now)
            #expect(outcomes(reply) == expected, "seed \(seed), \(command)")
            #expect(contents(state) == model.entries, "seed \(seed), \(command)")
            #expect(Dictionary(uniqueKeysWithValues: state.sessions.map { ($0.key, $0.value) }) == model.sessions)
            for id in model.sessions.keys {
                let held = Set(model.entries.filter { $0.value.session == id }.map(\.key))
                #expect(state.keys(lockedBy: id) == held, "seed \(seed)")
            }
            let former = contents(before)
            let changed = Set(model.entries.keys).union(former.keys).filter { former[$0] != model.entries[$0] }
            #expect(changes.keys.isSuperset(of: changed), "seed \(seed), \(command)")
            if case .transaction = command {} else {
                #expect(changes.keys == changed, "seed \(seed), \(command)")
            }
            expectIndexes(state, before, index, changes.keys, seed)
            for key in Self.keys {
                let (one, under) = (state.index(of: key), state.index(under: key))
                #expect(one >= seen[key]?.one ?? 0 && under >= seen[key]?.under ?? 0, "seed \(seed), \(key)")
                seen[key] = (one, under)
            }
        }
    }

    /// Every change moves the index of its key and of each prefix of it to that of the change, and of nothing else.
    private func expectIndexes(
        _ state: KVState, _ before: KVState, _ index: UInt64, _ changed: Set<KVKey>, _ seed: UInt64
    ) {
        for key in Self.keys {
            let comment: Comment = "seed \(seed), \(key)"
            let one = changed.contains(key) ? index : before.index(of: key)
            #expect(state.index(of: key) == one, comment)
            let isChangedUnder = changed.contains { $0.text.utf8.starts(with: key.text.utf8) }
            #expect(state.index(under: key) == (isChangedUnder ? index : before.index(under: key)), comment)
        }
    }

    private func contents(_ state: KVState) -> [KVKey: KVEntry] {
        Dictionary(uniqueKeysWithValues: state.entries.entries(under: ""))
    }

    private func outcomes(_ reply: KVReply) -> [Bool] {
        switch reply {
        case .operation(let outcome): [outcome.isDone]
        case .transaction(let outcomes): outcomes.map(\.isDone)
        default: []
        }
    }

    private func command(_ model: KVModel, using random: inout SeededGenerator) -> KVCommand {
        let ids = ["s1", "s2", "s3"]
        let id = ids.randomElement(using: &random) ?? ""
        switch Int.random(in: 0..<20, using: &random) {
        case 0, 1, 2:
            guard model.sessions[id] == nil else { return .endSessions([id]) }
            let delay: Duration = .seconds([0, 5, 90].randomElement(using: &random) ?? 0)
            return .createSession(
                ConsulSession(
                    id: id, node: Bool.random(using: &random) ? "n1" : "n2", lockDelay: delay,
                    behavior: Bool.random(using: &random) ? .release : .delete, nodeChecks: ["serfHealth"],
                    serviceChecks: ["web"]))
        case 3: return .checkFailed(node: "n1", check: Bool.random(using: &random) ? "web" : "other")
        case 4: return .nodeGone("n2")
        case 5, 6, 7:
            let count = Int.random(in: 0...4, using: &random)
            return .transaction((0..<count).map { _ in operation(model, using: &random) })
        default: return .operation(operation(model, using: &random))
        }
    }

    private func operation(_ model: KVModel, using random: inout SeededGenerator) -> KVOperation {
        let key = Self.keys.randomElement(using: &random) ?? ""
        let verb = KVOperation.Verb.allCases.randomElement(using: &random) ?? .get
        let current = model.entries[key]?.modifyIndex ?? 0
        return KVOperation(
            verb: verb, key: key, value: Bool.random(using: &random) ? [1] : [],
            flags: UInt64.random(in: 0...1, using: &random),
            index: Bool.random(using: &random) ? current : UInt64.random(in: 0...20, using: &random),
            session: ["s1", "s2", "s3", ""].randomElement(using: &random) ?? "")
    }

    @Test("forgets when keys were deleted, and no index goes backwards for it")
    func tombstones() {
        var state = KVState(index: 1, tombstones: 50)
        var changes = KVChanges()
        var index: UInt64 = 1
        func run(_ verb: KVOperation.Verb, _ key: String) {
            index += 1
            _ = state.apply(
                .operation(KVOperation(verb: verb, key: KVKey(key), value: [1])), index: index, now: .zero,
                changes: &changes)
        }
        run(.set, "kept/a")
        run(.set, "gone/a")
        run(.delete, "gone/a")
        let deleted = index
        for number in 0..<200 {
            run(.set, "many/\(number)")
            run(.delete, "many/\(number)")
        }
        #expect(state.index(of: "gone/a") >= deleted)
        #expect(state.index(under: "gone/") >= deleted)
        #expect(state.index(of: "kept/a") == 2)
        #expect(state.index(under: "many/") == index)

        // More keys at once than are remembered.
        for number in 0..<60 { run(.set, "tree/\(number)") }
        run(.deleteTree, "tree/")
        #expect(state.entries.count == 1)
        #expect(state.index(of: "tree/0") == index && state.index(under: "tree/5") == index)
        #expect(state.index(of: "kept/a") == 2)
    }

    @Test("says what an operation of a transaction failed at")
    func texts() {
        var state = KVState(index: 1)
        var changes = KVChanges()
        _ = state.apply(.operation(KVOperation(verb: .set, key: "t/1")), index: 73, now: .zero, changes: &changes)
        let operations = [
            KVOperation(verb: .set, key: "t/2"), KVOperation(verb: .checkNotExists, key: "t/1"),
            KVOperation(verb: .cas, key: "t/1", index: 5), KVOperation(verb: .lock, key: "t/1", session: "nope"),
            KVOperation(verb: .get, key: "t/3"), KVOperation(verb: .checkIndex, key: "t/1", index: 9),
            KVOperation(verb: .unlock, key: "t/1", session: "x"), KVOperation(verb: .deleteCAS, key: "t/1", index: 2),
        ]
        let reply = state.apply(.transaction(operations), index: 74, now: .zero, changes: &changes)
        guard case .transaction(let outcomes) = reply else {
            Issue.record("\(reply)")
            return
        }
        #expect(outcomes.dropFirst() == [
            .failed(#"key "t/1" exists"#), .refused(#"failed to set key "t/1", index is stale"#),
            .failed(#"invalid session "nope""#), .failed(#"key "t/3" doesn't exist"#),
            .failed(#"failed index check for key "t/1", current modify index 73 != 9"#),
            .refused(#"failed to unlock key "t/1", lock isn't held, or is held by another session"#),
            .refused(#"failed to delete key "t/1", index is stale"#),
        ])
        #expect(state.entries["t/2"] == nil)
        #expect(changes.keys == ["t/1"])
    }
}
