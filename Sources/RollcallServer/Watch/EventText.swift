// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// Watch events as server-sent events (WHATWG HTML, section 9.2), as the native API describes them.
enum EventText {
    static let keepAlive = StreamChunk(ByteBuffer(string: ": keep-alive\n\n"))
    static let resumed = StreamChunk(ByteBuffer(string: ": resumed\n\n"))
    static let shutdown = StreamChunk(ByteBuffer(string: "event: end\ndata: {\"reason\":\"shutdown\"}\n\n"))

    /// `snapshot`: all instances of one service.
    static func snapshot(_ snapshot: ServiceSnapshot) -> StreamChunk {
        chunk(event: "snapshot", capacity: 128 + snapshot.count * 640) { writer in
            writer.beginObject()
            writer.field("service", snapshot.service.value)
            writer.field("revision", snapshot.revision.value)
            writer.key("instances")
            writer.beginArray()
            for instance in snapshot.instances { instance.write(to: &writer) }
            writer.endArray()
            writer.endObject()
        }
    }

    /// `synced`: the snapshots are complete.
    static func synced(_ snapshot: WatchSnapshot) -> StreamChunk {
        chunk(event: "synced", id: snapshot.revision, capacity: 96) { writer in
            writer.beginObject()
            writer.field("revision", snapshot.revision.value)
            writer.field("cause", snapshot.cause.rawValue)
            writer.field("services", snapshot.services.count)
            writer.endObject()
        }
    }

    /// One `change` for each of them.
    static func changes(_ batch: WatchChanges) -> StreamChunk {
        var text = ByteBuffer()
        text.reserveCapacity(batch.changes.count * 800)
        for change in batch.changes {
            write(event: "change", id: change.revision, capacity: 700, to: &text) { writer in
                writer.beginObject()
                writer.field("revision", change.revision.value)
                writer.field("kind", change.kind.rawValue)
                writer.field("service", change.key.service.value)
                writer.field("id", change.key.id.value)
                writer.key("instance")
                change.instance.write(to: &writer)
                writer.endObject()
            }
        }
        return StreamChunk(text)
    }

    static func engine(_ state: EngineState) -> StreamChunk {
        chunk(event: "engine", capacity: 96) { writer in
            writer.beginObject()
            switch state {
            case .connected:
                writer.field("state", "connected")
            case .stale(let since):
                writer.field("state", "stale")
                writer.field("since", since)
            }
            writer.endObject()
        }
    }

    private static func chunk(
        event: StaticString, id: Revision? = nil, capacity: Int, _ data: (inout JSONWriter) -> Void
    ) -> StreamChunk {
        var text = ByteBuffer()
        write(event: event, id: id, capacity: capacity, to: &text, data)
        return StreamChunk(text)
    }

    private static func write(
        event: StaticString, id: Revision?, capacity: Int, to text: inout ByteBuffer, _ data: (inout JSONWriter) -> Void
    ) {
        text.writeStaticString("event: ")
        text.writeStaticString(event)
        if let id {
            text.writeStaticString("\nid: ")
            text.writeString(String(id.value))
        }
        text.writeStaticString("\ndata: ")
        // JSON holds no line end outside its strings, and those escape it: one data line is enough.
        var writer = JSONWriter(capacity: capacity)
        data(&writer)
        text.writeBytes(writer.bytes)
        text.writeStaticString("\n\n")
    }
}
