// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// Bounds the memory of what is computed from the snapshots of a catalog and kept with them, such as encoded answers.
///
/// Values that are used again stay; of the others the oldest go first (the second-chance algorithm: Tanenbaum, Modern
/// Operating Systems, page replacement). Finding a value that is kept touches the snapshot only; the budget is touched
/// when a value is computed, which costs far more.
public final class DerivedBudget: Sendable {
    /// Values may take so many bytes together; 0 keeps none.
    public let bytesMax: Int
    private let catalog: Catalog
    private let queue = Mutex(DerivedQueue())

    /// - Parameters:
    ///   - catalog: Where the snapshots come from. Values of snapshots that it does not hold any more end with them.
    ///   - bytesMax: For all values together.
    public init(catalog: Catalog, bytesMax: Int) {
        self.catalog = catalog
        self.bytesMax = bytesMax
    }

    /// The bytes that are kept, as they were told, with what keeping them takes. A value whose snapshot was replaced
    /// counts until its turn comes.
    public var bytes: Int { queue.withLock { $0.bytes } }

    /// What a kept value takes beside its own bytes: its places in the snapshot and in the queue, and the heads of its
    /// blocks of memory.
    static let overheadBytes = 192

    func admits(_ bytes: Int) -> Bool { bytes <= bytesMax - Self.overheadBytes }

    /// Counts a value that was put into the snapshot of `service` at `revision`, and lets others go for it.
    func charge(_ service: ServiceName, _ revision: Revision, _ key: ServiceSnapshot.DerivedKey, bytes: Int) {
        let entry = DerivedQueue.Entry(
            service: service, revision: revision, key: key, bytes: bytes + Self.overheadBytes)
        queue.withLock { queue in
            queue.append(entry)
            var chances = Self.chancesMax
            while queue.bytes > bytesMax, let oldest = queue.removeFirst() {
                // A snapshot that was replaced meanwhile took its values with it.
                let snapshot = catalog.snapshot(of: oldest.service)
                guard snapshot.revision == oldest.revision else { continue }
                if chances > 0, snapshot.wasDerivedValueUsed(oldest.key) {
                    chances -= 1
                    queue.append(oldest)
                } else {
                    snapshot.dropDerivedValue(oldest.key)
                }
            }
        }
    }

    /// Values that are in use and passed over for one that comes in: it bounds the time that this takes.
    private static let chancesMax = 64
}

/// The values that a budget counts, oldest first.
struct DerivedQueue: Sendable {
    struct Entry: Sendable {
        var service: ServiceName
        var revision: Revision
        var key: ServiceSnapshot.DerivedKey
        var bytes: Int
    }

    private var entries: [Entry] = []
    private var head = 0
    private(set) var bytes = 0

    mutating func append(_ entry: Entry) {
        entries.append(entry)
        bytes += entry.bytes
    }

    mutating func removeFirst() -> Entry? {
        guard head < entries.count else { return nil }
        let entry = entries[head]
        head += 1
        bytes -= entry.bytes
        // Amortized: as many were taken as are moved.
        if head > entries.count / 2 {
            entries.removeFirst(head)
            head = 0
        }
        return entry
    }
}
