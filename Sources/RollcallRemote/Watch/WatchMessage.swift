// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// One thing that the stream of a watch said.
enum WatchMessage: Sendable {
    /// A part of a snapshot, complete with ``synced(_:cause:)``.
    case snapshot(ServiceSnapshot)
    case synced(Revision, cause: WatchSnapshot.Cause)
    case change(InstanceChange)
    case engine(EngineState)
    /// The server is going.
    case end(reason: String)
    /// A comment: the server is there.
    case alive
    /// The pause that the server asks for after a lost connection.
    case retry(Duration)
    /// An event that a server of this version does not send.
    case unknown
    /// An event that cannot be read.
    case malformed(String)

    /// - Parameter now: When it came, for the birth of a change on this machine's time line.
    init(_ output: EventStreamParser.Output, now: Instant) {
        switch output {
        case .comment: self = .alive
        case .retry(let milliseconds): self = .retry(.milliseconds(milliseconds))
        case .event(let event):
            do throws(JSONError) {
                self = try JSONReader.read(event.data) { reader throws(JSONError) in
                    try WatchMessage(event.type, from: &reader, now: now)
                }
            } catch {
                self = .malformed("event \"\(event.type.prefix(40))\": \(error)")
            }
        }
    }

    private init(_ type: String, from reader: inout JSONReader, now: Instant) throws(JSONError) {
        switch type {
        case "snapshot": self = .snapshot(try ServiceSnapshot.read(from: &reader))
        case "synced": self = try Self.readSynced(from: &reader)
        case "change": self = try Self.readChange(from: &reader, now: now)
        case "engine": self = try Self.readEngine(from: &reader)
        case "end": self = try Self.readEnd(from: &reader)
        default:
            try reader.skip()
            self = .unknown
        }
    }

    private static func readSynced(from reader: inout JSONReader) throws(JSONError) -> WatchMessage {
        var revision: UInt64?
        var cause: WatchSnapshot.Cause?
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "revision": revision = try reader.integer(as: UInt64.self)
            case "cause":
                let text = try reader.string()
                cause = WatchSnapshot.Cause(rawValue: text)
            default: try reader.skip()
            }
        }
        guard let revision, let cause else { throw reader.failure("expected a revision and a cause that is known") }
        return .synced(Revision(revision), cause: cause)
    }

    private static func readChange(from reader: inout JSONReader, now: Instant) throws(JSONError) -> WatchMessage {
        var revision: UInt64?
        var kind: InstanceChange.Kind?
        var service: String?
        var id: String?
        var instance: ServiceInstance?
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "revision": revision = try reader.integer(as: UInt64.self)
            case "kind": kind = try reader.oneOf(InstanceChange.Kind.self)
            case "service": service = try reader.string()
            case "id": id = try reader.string()
            case "instance": instance = try ServiceInstance(from: &reader)
            default: try reader.skip()
            }
        }
        guard let revision, let kind, let service, let id, let instance,
            instance.key == InstanceKey(ServiceName(service), InstanceID(id))
        else { throw reader.failure("expected a revision, a kind and an instance") }
        return .change(InstanceChange(revision: Revision(revision), kind: kind, instance: instance, bornAt: now))
    }

    private static func readEngine(from reader: inout JSONReader) throws(JSONError) -> WatchMessage {
        var state = ""
        var since: WallTime?
        try reader.object { key, reader throws(JSONError) in
            switch key {
            case "state": state = try reader.string()
            case "since": since = try reader.wallTime()
            default: try reader.skip()
            }
        }
        switch (state, since) {
        case ("connected", _): return .engine(.connected)
        case ("stale", let since?): return .engine(.stale(since: since))
        default: throw reader.failure("expected connected, or stale with a time, found \"\(state)\"")
        }
    }

    private static func readEnd(from reader: inout JSONReader) throws(JSONError) -> WatchMessage {
        var reason = ""
        try reader.object { key, reader throws(JSONError) in
            if key == "reason" { reason = try reader.string() } else { try reader.skip() }
        }
        return .end(reason: reason)
    }
}
