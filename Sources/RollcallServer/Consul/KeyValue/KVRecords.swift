// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Rollcall

/// How the KV store, sessions and prepared queries are kept as records: each under its key or ID, as on the wire.
enum KVRecords {
    static let entries = "consul.kv"
    static let sessions = "consul.session"
    static let queries = "consul.query"

    /// A record that does not hold what its space is for.
    struct Unreadable: Error, CustomStringConvertible {
        let key: RecordKey
        let problem: String

        var description: String {
            "the record \(key) cannot be read: \(problem); "
                + "restore the registry's file from a backup, or remove that record"
        }
    }

    /// What a start found.
    static func load(_ store: any RecordStore, into state: inout KVState) throws(Unreadable) {
        for record in store.records(in: entries) {
            let entry = try reading(record) { body throws(JSONError) in try KVEntry.read(body) }
            state.restore(entry, under: KVKey(record.key.name))
        }
        for record in store.records(in: sessions) {
            let value = try reading(record) { body throws(JSONError) in try JSONValue.parse(body) }
            do {
                state.restore(try ConsulSession(stored: value, id: record.key.name))
            } catch {
                throw Unreadable(key: record.key, problem: "\(error)")
            }
        }
        for record in store.records(in: queries) {
            let value = try reading(record) { body throws(JSONError) in try JSONValue.parse(body) }
            do {
                state.restore(try PreparedQuery(id: record.key.name, value))
            } catch {
                throw Unreadable(key: record.key, problem: "\(error)")
            }
        }
    }

    private static func reading<Value>(_ record: Record, _ read: ([UInt8]) throws(JSONError) -> Value)
        throws(Unreadable) -> Value
    {
        do {
            return try read(record.body)
        } catch {
            throw Unreadable(key: record.key, problem: "\(error)")
        }
    }

    /// What has to be written so that a start finds `state`.
    static func writes(_ changes: KVChanges, of state: KVState) -> [RecordWrite] {
        var writes: [RecordWrite] = []
        writes.reserveCapacity(changes.keys.count + changes.sessions.count + changes.queries.count)
        for key in changes.keys {
            let entry = state.entries[key]
            let body = entry.map { entry in
                var writer = JSONWriter(capacity: 160 + key.text.utf8.count + entry.value.count / 3 * 4)
                entry.write(key, to: &writer)
                return writer.bytes
            }
            writes.append(RecordWrite(key: RecordKey(space: entries, name: key.text), body: body))
        }
        for id in changes.sessions {
            let body = state.sessions[id].map { session in
                var writer = JSONWriter(capacity: 320)
                session.write(to: &writer)
                return writer.bytes
            }
            writes.append(RecordWrite(key: RecordKey(space: sessions, name: id), body: body))
        }
        for id in changes.queries {
            let body = state.queries[id].map { query in
                var writer = JSONWriter(capacity: 640)
                query.write(to: &writer)
                return writer.bytes
            }
            writes.append(RecordWrite(key: RecordKey(space: queries, name: id), body: body))
        }
        return writes
    }
}
