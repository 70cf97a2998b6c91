// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Where a lease is in its life.
public enum LeasePhase: UInt8, Hashable, Sendable {
    /// Renewed within its ttl.
    case current
    /// Not renewed for its ttl: the instance is down and will be evicted when that is due.
    case lapsed
    /// Not renewed for its ttl, while so many others were not either that the cause may lie elsewhere. Not evicted.
    case suspect
    /// The eviction was decided and handed to the owner, who makes it durable.
    case evicting
}

/// Leases by key, with their deadlines: the state without the brake.
///
/// A lease has a slot in a dense array as long as it is in the table; freed slots are used again. Renewing stores an
/// instant and nothing else: the wheel's entry stays at the former deadline, and is placed anew when that comes.
struct LeaseTable<Key: Hashable & Sendable>: Sendable {
    /// What a renewal reads and writes lies together: one cache line a renewal, however many leases there are.
    struct Lease: Sendable {
        var renewedAt: Instant
        var ttl: Int64
        var evictAfter: Int64
        var incarnation: UInt64
        /// The eviction waits until then even if due before: after a release by the brake or a failed eviction.
        var evictNotBefore: Instant
        /// Counts the leases that were in the slot.
        var generation: UInt32
        /// The brake's scope of the lease's service.
        var scope: Int32
        var state: LeasePhase
        var release: BrakeRelease

        var lapsesAt: Instant { renewedAt + .nanoseconds(ttl) }
        var evictionDueAt: Instant { max(renewedAt + .nanoseconds(evictAfter), evictNotBefore) }
    }

    /// A deadline that has come.
    enum Expiry {
        /// A current lease ran out; it is `lapsed` now and has no deadline until `awaitEviction`.
        case lapse(Int32)
        /// The eviction of a lapsed lease is due; it has no deadline until the caller decides.
        case evictionDue(Int32)
    }

    private var index: [Key: Int32] = [:]
    private var leases: [Lease] = []
    private var keys: [Key?] = []
    private var free: [Int32] = []
    private var wheel: TimingWheel
    /// How many leases are in each state, indexed by its raw value.
    private var counts: [Int] = [0, 0, 0, 0]

    init(now: Instant) {
        wheel = TimingWheel(now: now)
    }

    var count: Int { index.count }
    /// The slots in use or free: what an array by slot needs room for.
    var slots: Range<Int32> { 0 ..< Int32(leases.count) }
    var nextDeadline: Instant? { wheel.nextDeadline }

    func count(in state: LeasePhase) -> Int { counts[Int(state.rawValue)] }
    func slot(of key: Key) -> Int32? { index[key] }
    /// `nil` for a free slot.
    func key(at slot: Int32) -> Key? { keys[Int(slot)] }

    subscript(slot: Int32) -> Lease {
        get { leases[Int(slot)] }
        _modify { yield &leases[Int(slot)] }
    }

    mutating func reserveCapacity(_ capacity: Int) {
        index.reserveCapacity(capacity)
        leases.reserveCapacity(capacity)
        keys.reserveCapacity(capacity)
    }

    /// Adds a current lease. The key must not be in the table.
    mutating func insert(_ key: Key, terms: LeaseTerms, incarnation: UInt64, scope: Int32, now: Instant) -> Int32 {
        var lease = Lease(
            renewedAt: now, ttl: terms.ttl.wholeNanoseconds, evictAfter: terms.evictAfter.wholeNanoseconds,
            incarnation: incarnation, evictNotBefore: now, generation: 0, scope: scope, state: .current, release: [])
        let slot: Int32
        if let reused = free.popLast() {
            slot = reused
            lease.generation = leases[Int(slot)].generation
            leases[Int(slot)] = lease
            keys[Int(slot)] = key
        } else {
            slot = Int32(leases.count)
            leases.append(lease)
            keys.append(key)
        }
        index[key] = slot
        counts[Int(LeasePhase.current.rawValue)] += 1
        wheel.insert(slot, deadline: lease.lapsesAt)
        return slot
    }

    mutating func remove(_ slot: Int32) {
        guard let key = keys[Int(slot)] else { return }
        wheel.remove(slot)
        index[key] = nil
        keys[Int(slot)] = nil
        leases[Int(slot)].generation &+= 1
        counts[Int(leases[Int(slot)].state.rawValue)] -= 1
        free.append(slot)
    }

    /// Changes the terms; deadlines follow from the last renewal, which stays.
    mutating func setTerms(_ slot: Int32, _ terms: LeaseTerms) {
        leases[Int(slot)].ttl = terms.ttl.wholeNanoseconds
        leases[Int(slot)].evictAfter = terms.evictAfter.wholeNanoseconds
        switch leases[Int(slot)].state {
        case .current: wheel.insert(slot, deadline: leases[Int(slot)].lapsesAt)
        case .lapsed: wheel.insert(slot, deadline: leases[Int(slot)].evictionDueAt)
        case .suspect, .evicting: break
        }
    }

    /// Makes the lease current with a full ttl from `now`, whatever it was.
    mutating func restart(_ slot: Int32, now: Instant) {
        move(slot, to: .current)
        leases[Int(slot)].renewedAt = now
        leases[Int(slot)].release = []
        leases[Int(slot)].evictNotBefore = now
        wheel.insert(slot, deadline: leases[Int(slot)].lapsesAt)
    }

    /// The lease is or stays `lapsed`, and its eviction is due at its `evictionDueAt`, but not before `earliest`.
    mutating func awaitEviction(_ slot: Int32, notBefore earliest: Instant) {
        move(slot, to: .lapsed)
        leases[Int(slot)].evictNotBefore = max(leases[Int(slot)].evictNotBefore, earliest)
        wheel.insert(slot, deadline: leases[Int(slot)].evictionDueAt)
    }

    /// The lease waits for the brake: it has no deadline.
    mutating func suspend(_ slot: Int32) {
        move(slot, to: .suspect)
        wheel.remove(slot)
    }

    /// The owner evicts: the lease has no deadline.
    mutating func beginEviction(_ slot: Int32) {
        move(slot, to: .evicting)
        wheel.remove(slot)
    }

    /// Takes the next deadline that has come. To be called until it answers `nil`.
    mutating func popExpired(at now: Instant) -> Expiry? {
        while let slot = wheel.popExpired(at: now) {
            let lease = leases[Int(slot)]
            switch lease.state {
            case .current:
                // Placing anew also what is due by now keeps the order of the true deadlines over a long step.
                guard wheel.hasReached(lease.lapsesAt) else {
                    wheel.insert(slot, deadline: lease.lapsesAt)
                    continue
                }
                move(slot, to: .lapsed)
                return .lapse(slot)
            case .lapsed:
                return .evictionDue(slot)
            case .suspect, .evicting:
                preconditionFailure("lease slot \(slot) is \(lease.state) and must not have a deadline")
            }
        }
        return nil
    }

    private mutating func move(_ slot: Int32, to state: LeasePhase) {
        counts[Int(leases[Int(slot)].state.rawValue)] -= 1
        counts[Int(state.rawValue)] += 1
        leases[Int(slot)].state = state
    }
}
