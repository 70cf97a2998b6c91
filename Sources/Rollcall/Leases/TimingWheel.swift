// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Deadlines of dense `Int32` handles: a hierarchical timing wheel.
///
/// Inserting and removing cost O(1) and touch no other handle than the neighbours in one slot; time that passes costs
/// what expires in it, however long the step. A handle expires at the first tick that does not lie before its deadline:
/// never early, and at most one tick (16.8 ms) late.
///
/// Source: G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 7. The level of a deadline
/// is the highest 6-bit digit in which its tick differs from the current one, so that a slot is always entirely ahead
/// of the current tick and one bit mask a level finds the next occupied one.
struct TimingWheel: Sendable {
    /// log2 of the nanoseconds in a tick: a power of two, so that time becomes ticks by a shift.
    static let tickShift: Int64 = 24
    /// The length of a tick.
    static let tick: Duration = .nanoseconds(1 << tickShift)
    /// 64^5 ticks are 208 days. What lies beyond waits in the farthest slot and is placed anew when that comes.
    private static let levelCount = 5
    private static let digitBits: Int64 = 6
    private static let slotsPerLevel = 1 << 6
    private static let topShift = digitBits * Int64(levelCount - 1)

    private static let endOfList: Int32 = -1
    private static let absent = Int32.min

    /// A handle's place. `previous` of the first node of a slot is the bit complement of the slot's number.
    private struct Node {
        var next: Int32
        var previous: Int32
        var tick: Int64
    }

    private var nodes: [Node] = []
    private var heads = [Int32](repeating: endOfList, count: levelCount * slotsPerLevel)
    private var occupied = [UInt64](repeating: 0, count: levelCount)
    private var current: Int64
    /// How many handles wait.
    private(set) var count = 0

    /// An empty wheel whose time starts at `now`.
    init(now: Instant) {
        current = now.nanoseconds >> Self.tickShift
    }

    /// Whether `handle` waits for a deadline.
    func contains(_ handle: Int32) -> Bool {
        Int(handle) < nodes.count && nodes[Int(handle)].previous != Self.absent
    }

    /// Whether the wheel has come to the tick at which `deadline` expires.
    func hasReached(_ deadline: Instant) -> Bool {
        Self.tick(of: deadline) <= current
    }

    /// Lets `handle` expire at `deadline`, instead of at its former deadline if it had one.
    ///
    /// A deadline that has passed expires at the next `popExpired`.
    ///
    /// - Parameter handle: Not negative; memory grows with the largest one.
    mutating func insert(_ handle: Int32, deadline: Instant) {
        let index = Int(handle)
        if index >= nodes.count {
            let missing = index + 1 - nodes.count
            let vacant = Node(next: Self.endOfList, previous: Self.absent, tick: 0)
            nodes.append(contentsOf: repeatElement(vacant, count: missing))
        } else {
            remove(handle)
        }
        nodes[index].tick = Self.tick(of: deadline)
        link(handle)
        count += 1
    }

    /// Forgets the deadline of `handle`, if it has one.
    mutating func remove(_ handle: Int32) {
        guard contains(handle) else { return }
        unlink(handle)
        count -= 1
    }

    /// Takes one handle whose deadline has passed out of the wheel. To be called until it answers `nil`; handles come
    /// in the order of their ticks, and may be inserted and removed in between.
    ///
    /// - Returns: `nil` when nothing is due at `now`, in particular when `now` lies before an instant told earlier.
    mutating func popExpired(at now: Instant) -> Int32? {
        let target = now.nanoseconds >> Self.tickShift
        while target >= current {
            let due = heads[Int(current & 63)]
            if due != Self.endOfList {
                unlink(due)
                count -= 1
                return due
            }
            guard let next = nextOccupiedTick(), next <= target else {
                current = target
                return nil
            }
            current = next
            cascade()
        }
        return nil
    }

    /// An instant before which nothing expires, or `nil` when no handle waits. It is exact for what is due within the
    /// current 64 ticks, and the start of the next occupied slot otherwise: a call of `popExpired` then finds a
    /// better one.
    var nextDeadline: Instant? {
        guard let tick = nextOccupiedTick() else { return nil }
        return tick > Int64.max >> Self.tickShift ? .distantFuture : Instant(nanoseconds: tick << Self.tickShift)
    }

    private static func tick(of deadline: Instant) -> Int64 {
        let nanoseconds = deadline.nanoseconds
        return (nanoseconds >> tickShift) + (nanoseconds & ((1 << tickShift) - 1) == 0 ? 0 : 1)
    }

    /// The first tick of the next occupied slot. Masks are rotated because the slots of the top level wrap around.
    private func nextOccupiedTick() -> Int64? {
        var best: Int64?
        for level in 0 ..< Self.levelCount where occupied[level] != 0 {
            let shift = Self.digitBits * Int64(level)
            let digit = current >> shift
            let offset = UInt64(digit & 63)
            let rotated = (occupied[level] >> offset) | (occupied[level] << ((64 - offset) & 63))
            let tick = (digit + Int64(rotated.trailingZeroBitCount)) << shift
            best = min(best ?? tick, tick)
        }
        return best
    }

    /// Places anew what waits in the slots of the upper levels that start at the current tick.
    private mutating func cascade() {
        for level in 1 ..< Self.levelCount {
            let slot = Int((current >> (Self.digitBits * Int64(level))) & 63)
            guard occupied[level] & (1 << UInt64(slot)) != 0 else { continue }
            let list = level * Self.slotsPerLevel + slot
            var handle = heads[list]
            heads[list] = Self.endOfList
            occupied[level] &= ~(1 << UInt64(slot))
            while handle != Self.endOfList {
                let next = nodes[Int(handle)].next
                link(handle)
                handle = next
            }
        }
    }

    private mutating func link(_ handle: Int32) {
        let tick = max(nodes[Int(handle)].tick, current)
        let differing = tick ^ current
        let highestBit = 63 - (differing | 1).leadingZeroBitCount
        let level = min(highestBit / Int(Self.digitBits), Self.levelCount - 1)
        var digit = tick >> (Self.digitBits * Int64(level))
        if level == Self.levelCount - 1 {
            digit = min(digit, (current >> Self.topShift) + 63)
        }
        let slot = Int(digit & 63)
        let list = level * Self.slotsPerLevel + slot
        let first = heads[list]
        nodes[Int(handle)].next = first
        nodes[Int(handle)].previous = ~Int32(list)
        if first != Self.endOfList { nodes[Int(first)].previous = handle }
        heads[list] = handle
        occupied[level] |= 1 << UInt64(slot)
    }

    private mutating func unlink(_ handle: Int32) {
        let node = nodes[Int(handle)]
        if node.next != Self.endOfList { nodes[Int(node.next)].previous = node.previous }
        if node.previous >= 0 {
            nodes[Int(node.previous)].next = node.next
        } else {
            let list = Int(~node.previous)
            heads[list] = node.next
            if node.next == Self.endOfList {
                occupied[list / Self.slotsPerLevel] &= ~(1 << UInt64(list % Self.slotsPerLevel))
            }
        }
        nodes[Int(handle)].previous = Self.absent
    }
}
