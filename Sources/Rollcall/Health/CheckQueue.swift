// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Checks whose round is due, in the order in which it came to be. What was removed meanwhile is passed over.
struct CheckQueue: Sendable {
    struct Entry: Sendable {
        let due: Instant
        let check: CheckHandle
    }

    private var entries: [Entry] = []
    private var head = 0

    var first: Entry? { head < entries.count ? entries[head] : nil }

    mutating func append(_ entry: Entry) { entries.append(entry) }

    mutating func removeFirst() {
        head += 1
        if head == entries.count {
            entries.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 1024, head * 2 >= entries.count {
            entries.removeFirst(head)
            head = 0
        }
    }
}
