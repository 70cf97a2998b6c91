// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What is stored under a key.
struct KVEntry: KeyTableValue, Hashable {
    var value: [UInt8]
    /// Means something to clients only.
    var flags: UInt64 = 0
    /// How often the lock of the key was taken.
    var lockIndex: UInt64 = 0
    /// The session that holds the lock.
    var session: String?
    var createIndex: UInt64
    var modifyIndex: UInt64

    /// The wire form; also what is stored.
    ///
    /// - Parameter withValue: Otherwise the value is null.
    func write(_ key: KVKey, withValue: Bool = true, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("LockIndex", lockIndex)
        writer.field("Key", key.text)
        writer.field("Flags", flags)
        writer.key("Value")
        if value.isEmpty || !withValue { writer.null() } else { writer.string(Base64.text(of: value)) }
        if let session { writer.field("Session", session) }
        writer.field("CreateIndex", createIndex)
        writer.field("ModifyIndex", modifyIndex)
        writer.endObject()
    }

    /// Reads the wire form; the key is stored beside it.
    static func read(_ body: [UInt8]) throws(JSONError) -> KVEntry {
        try JSONReader.read(body) { reader throws(JSONError) in
            var entry = KVEntry(value: [], createIndex: 0, modifyIndex: 0)
            try reader.object { key, reader throws(JSONError) in
                switch key.string {
                case "LockIndex": entry.lockIndex = try reader.integer(as: UInt64.self)
                case "Flags": entry.flags = try reader.integer(as: UInt64.self)
                case "Value":
                    guard let text = try reader.stringOrNull() else { return }
                    guard let value = Base64.bytes(of: text) else { throw reader.failure("the value is not base64") }
                    entry.value = value
                case "Session": entry.session = try reader.string()
                case "CreateIndex": entry.createIndex = try reader.integer(as: UInt64.self)
                case "ModifyIndex": entry.modifyIndex = try reader.integer(as: UInt64.self)
                default: try reader.skip()
                }
            }
            return entry
        }
    }
}

/// When a key was deleted.
struct Tombstone: KeyTableValue {
    var modifyIndex: UInt64
}
