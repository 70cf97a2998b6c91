// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What the brake knows of the fleet or of one service.
struct BrakeScope: Sendable {
    /// One lapse of one lease; it no longer holds once that was renewed or removed.
    struct Ticket: Sendable {
        let slot: Int32
        let lapse: UInt32
    }

    /// Every lease of the scope.
    var population = 0
    /// Leases that ran out and were neither renewed nor removed.
    var lapsed = 0
    /// Those of them that lapsed within the window.
    var losses = 0
    /// Those of them that are suspect, whichever scope made them so.
    var suspects = 0
    /// The list of lapsed leases in the order in which they lapsed. Those from `windowHead` on are the losses.
    var head: Int32 = -1
    var tail: Int32 = -1
    var windowHead: Int32 = -1

    /// `nil` while the brake does not hold this scope.
    var engagedSince: Instant?
    var lastLapse = Instant.zero
    /// Since when few enough are suspect for the end of an outage.
    var calmSince: Instant?

    /// Suspects to be released, oldest first, from `nextTicket` on.
    var tickets: [Ticket] = []
    var nextTicket = 0
    /// The tickets hold against an engaged brake of the fleet.
    var isReleasedByOperator = false
    /// The next release, and the next eviction of a released lease, come no earlier.
    var nextRelease = Instant.zero
    var nextEviction = Instant.zero

    var isEngaged: Bool { engagedSince != nil }
    var isReleasing: Bool { nextTicket < tickets.count }

    mutating func dropTickets() {
        tickets = []
        nextTicket = 0
        isReleasedByOperator = false
    }
}

/// Which of the two lists of lapsed leases: that of the fleet, or that of a service.
enum BrakeList: Sendable {
    case fleet
    case service
}

/// The neighbours of a lapsed lease in the list of one scope.
struct BrakeLink: Sendable {
    var next: Int32 = -1
    var previous: Int32 = -1
    var isListed = false
    var isLoss = false
}

/// What the brake keeps of a lapsed lease.
struct BrakeNode: Sendable {
    var inFleet = BrakeLink()
    var inService = BrakeLink()
    var lapsedAt = Instant.zero
    /// Counts the lapses of the slot, so that a ticket of a former one is recognised.
    var lapse: UInt32 = 0
    var isLapsed = false
    var isSuspect = false
    /// The scope of the lease's service.
    var scope: Int32 = 0

    subscript(list: BrakeList) -> BrakeLink {
        get { list == .fleet ? inFleet : inService }
        set {
            switch list {
            case .fleet: inFleet = newValue
            case .service: inService = newValue
            }
        }
    }
}
