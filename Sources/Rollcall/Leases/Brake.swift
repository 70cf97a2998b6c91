// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Decides whether leases that run out are believed: "never suddenly wrong".
///
/// It looks at two kinds of scope, the fleet and each service. When more leases of a scope lapse within the window
/// than its normal losses explain, it engages: lapsed instances are suspect, and evictions are held. A scope is
/// released when
///
/// - renewals return: the suspects stayed below half of the tolerated share for the settle period;
/// - the rest has vouched: no further lapse came for the quiet period, while enough others were current and a renewal
///   was heard in the later half of that period. When nothing is heard, the fault is the registry's and the scope is
///   held on;
/// - an operator gives the word.
///
/// Suspects are then released oldest first at a bounded rate; each may be evicted a full ttl later, again at that rate.
/// Renewing a current lease costs two stores here, and a lapse or a return O(1).
///
/// Source of the idea: Eureka's self preservation, which stops evictions of the whole registry below 85 % of the
/// expected renewals, and has neither a scope by service nor a paced end.
struct Brake: Sendable {
    /// What became of a lapsed lease.
    enum Verdict {
        case suspect(Int32)
        case release(Int32, BrakeRelease)
    }

    /// The answer to a due eviction.
    enum Permission {
        case granted
        /// Ask again at that instant: another one's turn is before, or the brake is engaged.
        case postponed(Instant, BrakeRelease)
    }

    /// The scope of the whole fleet. Those of services follow.
    static let fleet: Int32 = 0

    let configuration: BrakeConfiguration
    var scopes: [BrakeScope] = [BrakeScope()]
    /// When a scope last heard a registration or a renewal; apart from the scopes because each renewal writes here.
    var heardAt: [Instant] = [.zero]
    var nodes: [BrakeNode] = []
    /// When scopes that are engaged or releasing are looked at again. Handles are scopes.
    var reviews: TimingWheel
    private var freeScopes: [Int32] = []
    /// Scopes that engaged and whose earlier losses are not suspect yet.
    private var tripped: [Int32] = []
    var verdicts: [Verdict] = []

    init(_ configuration: BrakeConfiguration, now: Instant) {
        self.configuration = configuration
        reviews = TimingWheel(now: now)
    }

    var nextReview: Instant? { reviews.nextDeadline }

    // MARK: Population

    mutating func openScope() -> Int32 {
        if let reused = freeScopes.popLast() { return reused }
        scopes.append(BrakeScope())
        heardAt.append(.zero)
        return Int32(scopes.count - 1)
    }

    /// Forgets a service of which no lease is left.
    mutating func closeScope(_ scope: Int32) {
        precondition(scopes[Int(scope)].population == 0, "brake scope \(scope) still has leases")
        scopes[Int(scope)] = BrakeScope()
        heardAt[Int(scope)] = .zero
        reviews.remove(scope)
        freeScopes.append(scope)
    }

    mutating func admit(to scope: Int32, now: Instant) {
        scopes[Int(Self.fleet)].population += 1
        scopes[Int(scope)].population += 1
        heard(in: scope, now: now)
    }

    mutating func dismiss(_ slot: Int32, from scope: Int32, now: Instant) {
        scopes[Int(Self.fleet)].population -= 1
        scopes[Int(scope)].population -= 1
        settle(slot, now: now)
    }

    /// A lease of the scope was renewed. The ordinary path of every heartbeat.
    mutating func heard(in scope: Int32, now: Instant) {
        heardAt[Int(Self.fleet)] = now
        heardAt[Int(scope)] = now
    }

    // MARK: Lapses

    /// A lease ran out. To be followed by `judge`, after all lapses of this instant.
    mutating func lapse(_ slot: Int32, in scope: Int32, now: Instant) {
        guard configuration.isEnabled else { return }
        if Int(slot) >= nodes.count {
            nodes.append(contentsOf: repeatElement(BrakeNode(), count: Int(slot) + 1 - nodes.count))
        }
        nodes[Int(slot)].lapsedAt = now
        nodes[Int(slot)].lapse &+= 1
        nodes[Int(slot)].isLapsed = true
        nodes[Int(slot)].scope = scope
        count(slot, in: Self.fleet, now: now)
        count(slot, in: scope, now: now)
    }

    private mutating func count(_ slot: Int32, in scope: Int32, now: Instant) {
        scopes[Int(scope)].lapsed += 1
        scopes[Int(scope)].lastLapse = now
        append(slot, to: scope)
        slideWindow(of: scope, now: now)
        engageIfTooMany(scope, now: now)
    }

    /// Whether the lapsed lease is held, by the fleet or by its service.
    func isHolding(_ slot: Int32) -> Bool {
        Int(slot) < nodes.count && isHolding(scope: nodes[Int(slot)].scope)
    }

    func isHolding(scope: Int32) -> Bool {
        scopes[Int(Self.fleet)].isEngaged || scopes[Int(scope)].isEngaged
    }

    func isSuspect(_ slot: Int32) -> Bool {
        Int(slot) < nodes.count && nodes[Int(slot)].isSuspect
    }

    private mutating func suspect(_ slot: Int32) {
        nodes[Int(slot)].isSuspect = true
        scopes[Int(Self.fleet)].suspects += 1
        scopes[Int(nodes[Int(slot)].scope)].suspects += 1
        verdicts.append(.suspect(slot))
    }

    /// The eviction of a lapsed lease was decided: it is no longer a loss to wonder about.
    mutating func evicting(_ slot: Int32) {
        guard Int(slot) < nodes.count, nodes[Int(slot)].isLapsed else { return }
        unlink(slot, from: Self.fleet)
        unlink(slot, from: nodes[Int(slot)].scope)
    }

    /// A lapsed lease was renewed or removed.
    mutating func settle(_ slot: Int32, now: Instant) {
        guard Int(slot) < nodes.count, nodes[Int(slot)].isLapsed else { return }
        evicting(slot)
        let suspects = nodes[Int(slot)].isSuspect ? 1 : 0
        nodes[Int(slot)].isLapsed = false
        nodes[Int(slot)].isSuspect = false
        for scope in [Self.fleet, nodes[Int(slot)].scope] {
            scopes[Int(scope)].lapsed -= 1
            scopes[Int(scope)].suspects -= suspects
            noticeReturn(in: scope, now: now)
        }
    }

    /// The verdicts that follow from the lapses just told and from the time that passed, in the order of the lapses.
    ///
    /// - Parameter lapses: The slots told to `lapse` since the last call.
    mutating func judge(_ lapses: [Int32], now: Instant) -> [Verdict] {
        for scope in tripped where scopes[Int(scope)].isEngaged {
            var slot = scopes[Int(scope)].windowHead
            while slot >= 0 {
                if !nodes[Int(slot)].isSuspect { suspect(slot) }
                slot = nodes[Int(slot)][Self.list(of: scope)].next
            }
        }
        tripped.removeAll(keepingCapacity: true)
        for slot in lapses where !isSuspect(slot) && isHolding(slot) { suspect(slot) }
        while let scope = reviews.popExpired(at: now) { review(scope, now: now) }
        defer { verdicts.removeAll() }
        return verdicts
    }

    // MARK: Engaging

    /// How many losses a scope bears without engaging.
    func tolerance(of scope: Int32) -> Double {
        let share = scope == Self.fleet ? configuration.fleetShare : configuration.serviceShare
        return share * Double(scopes[Int(scope)].population)
    }

    private mutating func engageIfTooMany(_ scope: Int32, now: Instant) {
        let losses = scopes[Int(scope)].losses
        guard !scopes[Int(scope)].isEngaged, losses >= configuration.minimumLosses,
            Double(losses) > tolerance(of: scope)
        else {
            if scopes[Int(scope)].isEngaged { scopes[Int(scope)].calmSince = nil }
            return
        }
        scopes[Int(scope)].engagedSince = now
        scopes[Int(scope)].calmSince = nil
        scopes[Int(scope)].dropTickets()
        tripped.append(scope)
        reviews.insert(scope, deadline: now + configuration.quietPeriod)
    }

    /// A suspect may have come back or left: an engaged scope becomes calm, or has nothing left to hold.
    private mutating func noticeReturn(in scope: Int32, now: Instant) {
        guard scopes[Int(scope)].isEngaged else { return }
        if scopes[Int(scope)].suspects == 0 {
            end(scope, now: now, byOperator: false)
        } else if isCalm(scope), scopes[Int(scope)].calmSince == nil {
            scopes[Int(scope)].calmSince = now
            reviews.insert(scope, deadline: now + configuration.settlePeriod)
        }
    }

    func isCalm(_ scope: Int32) -> Bool {
        Double(scopes[Int(scope)].suspects) < tolerance(of: scope) / 2
    }
}
