// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// Turns the events of a watch into lines that say what happened to which instance, and what it was before.
///
/// A later snapshot (after a gap, or because this reader was slow) is told as the difference to what was known.
struct WatchNarrator: Sendable {
    /// One line.
    struct Line: Hashable, Sendable {
        /// A change's kind, `present` for what a watch begins with, `engine`, or, for differences that a snapshot
        /// shows, `appeared`, `changed` and `gone`.
        let kind: String
        let subject: Subject

        enum Subject: Hashable, Sendable {
            /// - Parameters:
            ///   - before: The status it had before; `nil` when it was not there.
            ///   - isGone: Whether it is there no longer.
            case instance(ServiceInstance, before: InstanceStatus?, isGone: Bool)
            case engine(EngineState)
        }
    }

    private var known: [InstanceKey: ServiceInstance] = [:]
    private var hasBegun = false

    mutating func handle(_ event: WatchEvent) -> [Line] {
        switch event {
        case .snapshot(let snapshot): return snapshotLines(snapshot)
        case .changes(let changes): return changes.changes.map { changeLine($0) }
        case .engine(let state): return [Line(kind: "engine", subject: .engine(state))]
        }
    }

    private mutating func snapshotLines(_ snapshot: WatchSnapshot) -> [Line] {
        var present: [InstanceKey: ServiceInstance] = [:]
        var lines: [Line] = []
        for instance in snapshot.services.sorted(by: { $0.service < $1.service }).flatMap(\.instances) {
            present[instance.key] = instance
            let before = known[instance.key]
            if before == instance { continue }
            let kind = !hasBegun ? "present" : before == nil ? "appeared" : "changed"
            lines.append(
                Line(kind: kind, subject: .instance(instance, before: before?.status, isGone: false)))
        }
        for (key, instance) in known.sorted(by: { $0.key < $1.key }) where present[key] == nil {
            lines.append(Line(kind: "gone", subject: .instance(instance, before: instance.status, isGone: true)))
        }
        known = present
        hasBegun = true
        return lines
    }

    private mutating func changeLine(_ change: InstanceChange) -> Line {
        let before = known[change.key]?.status
        known[change.key] = change.isRemoval ? nil : change.instance
        return Line(
            kind: change.kind.rawValue, subject: .instance(change.instance, before: before, isGone: change.isRemoval))
    }
}
