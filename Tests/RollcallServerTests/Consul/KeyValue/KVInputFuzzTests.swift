// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

/// Damaged and invented bodies: each is read or refused with a status of a bad request, and nothing crashes.
@Suite("The bodies that clients send to the KV store")
struct KVInputFuzzTests {
    private static let bodies = [
        #"[{"KV":{"Verb":"set","Key":"t/1","Value":"b25l","Flags":3,"Index":9,"Session":"s"}},"#
            + #"{"Node":{"Verb":"get"}}]"#,
        #"[{"Service":{"Verb":"set","Node":"n","Service":{"ID":"a"}}},{"Check":{"Verb":"delete"}},{"KV":null},{}]"#,
        #"{"Name":"s","TTL":"15s","LockDelay":"1h30m","Behavior":"delete","NodeChecks":["a"],"#
            + #""ServiceChecks":[{"ID":"b"}]}"#,
        #"{"name":"s","ttl":20,"lockdelay":5e9,"behavior":"release","checks":[],"node":"n"}"#,
        #"{"Name":"q","Template":{"Type":"name_prefix_match"},"Service":{"Service":"${name.full}","Tags":["!a"],"#
            + #""NodeMeta":{"a":"b"},"Failover":{"NearestN":3,"Datacenters":["x"]}},"DNS":{"TTL":"-10s"}}"#,
        #"{"LockIndex":1,"Flags":18446744073709551615,"Value":"AA==","Session":"s","CreateIndex":1,"ModifyIndex":2}"#,
    ]

    @Test("are read or refused, whatever is done to them", arguments: 0..<400 as Range<UInt64>)
    func damaged(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for body in Self.bodies {
            var bytes = Array(body.utf8)
            for _ in 0..<Int.random(in: 0...6, using: &random) { damage(&bytes, using: &random) }
            read(bytes, seed)
        }
    }

    private func damage(_ bytes: inout [UInt8], using random: inout SeededGenerator) {
        let pieces = [
            "null", "[]", "{}", "-1", "1e400", "99999999999999999999", "\"\"", "true", "\u{e9}", "=", "\\u0000",
        ]
        guard !bytes.isEmpty else { return }
        let position = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes[position] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: position)
        case 2: bytes.removeSubrange(position..<min(bytes.count, position + 12))
        default: bytes.insert(contentsOf: (pieces.randomElement(using: &random) ?? "").utf8, at: position)
        }
    }

    private func read(_ bytes: [UInt8], _ seed: UInt64) {
        do throws(ConsulError) {
            let transaction = try Transaction(bytes, valueBytesMax: 100)
            var state = KVState(index: 1)
            var changes = KVChanges()
            let reply = state.apply(.transaction(transaction.entries), index: 2, now: .zero, changes: &changes)
            if case .transaction(let outcomes) = reply { #expect(outcomes.count == transaction.entries.count) }
            if transaction.faults != nil { #expect(transaction.faults?.count == transaction.entries.count) }
        } catch {
            #expect([400, 413].contains(error.status), "seed \(seed): \(error)")
        }
        _ = try? KVEntry.read(bytes)
        guard let value = try? JSONValue.parse(bytes) else { return }
        do throws(ConsulError) {
            let session = try ConsulSession(creating: "id", on: "n", value)
            #expect(session.lockDelay >= .zero, "seed \(seed)")
            #expect(session.ttl.map { $0 >= .seconds(10) && $0 <= .seconds(86_400) } ?? true, "seed \(seed)")
            var writer = JSONWriter()
            session.write(to: &writer)
            let stored = try? ConsulSession(stored: JSONValue.parse(writer.bytes), id: "id")
            #expect(stored == session, "seed \(seed)")
        } catch {
            #expect([400, 500].contains(error.status), "seed \(seed): \(error)")
        }
        guard let query = try? PreparedQuery(id: "id", value) else { return }
        var writer = JSONWriter()
        query.write(to: &writer)
        let stored = try? PreparedQuery(id: "id", JSONValue.parse(writer.bytes))
        #expect(stored == query, "seed \(seed)")
        _ = query.fault
    }
}
