// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// A session of Consul's: what locks are held by, for as long as its TTL is renewed and its checks are well.
struct ConsulSession: Sendable, Hashable {
    /// What becomes of the keys that it holds locked when it ends.
    enum Behavior: String, Sendable {
        case release, delete
    }

    var id: String
    var name = ""
    var node: String
    /// How long after its end, other than by the holder's release, its locks are taken by nobody.
    var lockDelay: Duration = Self.defaultLockDelay
    var behavior = Behavior.release
    /// As it was given; empty for a session without one.
    var ttlText = ""
    var ttl: Duration?
    /// Checks of the node that it depends on.
    var nodeChecks: [String] = []
    /// Checks of services on the node that it depends on.
    var serviceChecks: [String]?
    var createIndex: UInt64 = 0

    static let defaultLockDelay: Duration = .seconds(15)
    static let longestLockDelay: Duration = .seconds(60)

    /// All checks that end it when they become critical.
    var checks: [String] { nodeChecks + (serviceChecks ?? []) }

    /// All that it depends on: its node, and its checks.
    var links: [SessionLink] {
        [SessionLink(node: node, check: nil)] + checks.map { SessionLink(node: node, check: $0) }
    }

    /// The wire form; also what is stored.
    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("ID", id)
        writer.field("Name", name)
        writer.field("Node", node)
        writer.field("LockDelay", lockDelay.wholeNanoseconds)
        writer.field("Behavior", behavior.rawValue)
        writer.field("TTL", ttlText)
        writer.key("NodeChecks")
        writer.beginArray()
        for check in nodeChecks { writer.string(check) }
        writer.endArray()
        writer.key("ServiceChecks")
        if let serviceChecks {
            writer.beginArray()
            for check in serviceChecks {
                writer.beginObject()
                writer.field("ID", check)
                writer.field("Namespace", "")
                writer.endObject()
            }
            writer.endArray()
        } else {
            writer.null()
        }
        writer.field("CreateIndex", createIndex)
        writer.field("ModifyIndex", createIndex)
        writer.endObject()
    }
}

/// What a session depends on: a node, or a check on it.
struct SessionLink: Sendable, Hashable {
    let node: String
    /// `nil` for the node itself.
    let check: String?
}
