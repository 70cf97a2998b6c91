// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// When keys were deleted, for a bounded number of the last deletions: so that the index of what they were in does not
/// go backwards. What is forgotten is covered by a floor under all indexes.
struct Tombstones: Sendable {
    private(set) var table = KeyTable<Tombstone>()
    /// Not below the index of any deletion that is not in the table.
    var floor: UInt64 = 0

    private struct Deletion: Sendable {
        var key: KVKey
        var index: UInt64
    }

    /// In their order; some may have been deleted again since.
    private var deletions: [Deletion] = []
    /// What is before it was forgotten.
    private var first = 0

    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Notes keys that were deleted together. Very many raise the floor, instead of driving out all that is remembered.
    mutating func add(_ keys: [KVKey], _ index: UInt64) {
        if keys.count > limit {
            floor = max(floor, index)
        } else {
            for key in keys { add(key, index) }
        }
    }

    mutating func add(_ key: KVKey, _ index: UInt64) {
        table.set(Tombstone(modifyIndex: index), for: key)
        deletions.append(Deletion(key: key, index: index))
        while deletions.count - first > limit {
            let oldest = deletions[first]
            first += 1
            guard table[oldest.key]?.modifyIndex == oldest.index else { continue }
            table.remove(oldest.key)
            floor = max(floor, oldest.index)
        }
        if first > limit {
            deletions.removeFirst(first)
            first = 0
        }
    }
}
