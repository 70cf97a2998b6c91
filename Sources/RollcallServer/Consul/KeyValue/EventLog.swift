// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import Synchronization

/// An event that a user fired. Events are passed on and remembered for a while; they are not durable.
struct UserEvent: Sendable, Hashable {
    let high: UInt64
    let low: UInt64
    var name: String
    var payload: [UInt8]
    var nodeFilter: String
    var serviceFilter: String
    var tagFilter: String
    /// The logical time at which it was heard; 0 for one that is being fired.
    var time: UInt64 = 0

    /// Consul's index of a list of events: it does not grow, it only differs.
    var index: UInt64 { max(1, high ^ low) }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("ID", ConsulUUID.text(high, low))
        writer.field("Name", name)
        writer.key("Payload")
        if payload.isEmpty { writer.null() } else { writer.string(Base64.text(of: payload)) }
        writer.field("NodeFilter", nodeFilter)
        writer.field("ServiceFilter", serviceFilter)
        writer.field("TagFilter", tagFilter)
        writer.field("Version", 1)
        writer.field("LTime", time)
        writer.endObject()
    }
}

/// The last events, in memory.
final class EventLog: ConsulWakeSource {
    private struct State {
        var events: [UserEvent] = []
        var time: UInt64 = 1
    }

    private let state = Mutex(State())
    private let waiting = WakeList()

    static let kept = 256

    func fire(_ event: UserEvent) {
        state.withLock { state in
            var event = event
            state.time += 1
            event.time = state.time
            if state.events.count == Self.kept { state.events.removeFirst() }
            state.events.append(event)
        }
        waiting.wakeAll()
    }

    /// The events of this name, or all, oldest first.
    func events(named name: String?) -> [UserEvent] {
        state.withLock { state in state.events.filter { name == nil || $0.name == name } }
    }

    func observe(_ wake: @escaping @Sendable () -> Void) -> any Sendable { waiting.observe(wake) }
}
