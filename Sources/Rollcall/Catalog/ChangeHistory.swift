// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The last changes of all services, bounded in number: a ring in which the changes of one service are linked
/// backwards.
///
/// Reading what happened to a service since a revision costs as much as happened to that service, however busy the
/// others are.
struct ChangeHistory: Sendable {
    /// Where the newest change of a service is, and which revision it has.
    struct Link: Sendable {
        var sequence: UInt64
        var revision: Revision
    }

    private struct Entry: Sendable {
        var change: InstanceChange
        /// The change of the same service before this one.
        var previous: Link
    }

    private let limit: UInt64
    private var entries: [Entry] = []
    /// The sequence number of the next change; the first is 1, so that 0 is before all of them.
    private var nextSequence: UInt64 = 1
    /// The highest revision that is no longer kept.
    private(set) var forgotten: Revision

    /// - Parameters:
    ///   - limit: The number of changes kept, at least 1.
    ///   - start: Nothing is known of this revision and of those before it.
    init(limit: Int, start: Revision) {
        self.limit = UInt64(max(1, limit))
        self.forgotten = start
    }

    /// A service of which no change is known.
    var unknown: Link { Link(sequence: 0, revision: forgotten) }

    private var oldestSequence: UInt64 { nextSequence > limit ? nextSequence - limit : 1 }

    private subscript(sequence: UInt64) -> Entry { entries[Int((sequence - 1) % limit)] }

    /// Adds a change.
    ///
    /// - Parameter previous: The newest change of the same service before this one.
    /// - Returns: Where the change is, and the change that was forgotten for it.
    mutating func append(_ change: InstanceChange, after previous: Link) -> (
        link: Link, evicted: (InstanceChange, UInt64)?
    ) {
        let link = Link(sequence: nextSequence, revision: change.revision)
        let entry = Entry(change: change, previous: previous)
        nextSequence += 1
        guard UInt64(entries.count) == limit else {
            entries.append(entry)
            return (link, nil)
        }
        let position = Int((link.sequence - 1) % limit)
        let evicted = entries[position].change
        entries[position] = entry
        forgotten = max(forgotten, evicted.revision)
        return (link, (evicted, link.sequence - limit))
    }

    /// The changes of one service after `revision`, oldest first.
    ///
    /// - Parameters:
    ///   - newest: The newest change of the service.
    ///   - most: Gives up beyond this number.
    /// - Returns: `nil` when not all of them are kept or they are too many.
    func changes(upTo newest: Link, after revision: Revision, most: Int) -> [InstanceChange]? {
        var link = newest
        var changes: [InstanceChange] = []
        while link.revision > revision {
            guard link.sequence >= oldestSequence, changes.count < most else { return nil }
            let entry = self[link.sequence]
            changes.append(entry.change)
            link = entry.previous
        }
        changes.reverse()
        return changes
    }

    /// The changes of all services after `revision`, oldest first; `nil` when not all of them are kept or they are too
    /// many.
    func changes(after revision: Revision, most: Int) -> [InstanceChange]? {
        guard revision >= forgotten else { return nil }
        var low = oldestSequence
        var high = nextSequence
        while low < high {
            let middle = low + (high - low) / 2
            if self[middle].change.revision > revision { high = middle } else { low = middle + 1 }
        }
        guard nextSequence - low <= UInt64(most) else { return nil }
        return (low ..< nextSequence).map { self[$0].change }
    }
}
