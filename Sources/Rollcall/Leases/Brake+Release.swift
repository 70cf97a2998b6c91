// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// How an engaged scope ends, and how its suspects come out one by one.
extension Brake {
    /// An operator says that what is silent is gone: in the whole fleet with all its services, or in one service
    /// whatever the fleet is held for.
    mutating func releaseByOperator(_ scope: Int32, now: Instant) {
        if scope == Self.fleet {
            for service in scopes.indices.dropFirst() where scopes[service].isEngaged {
                scopes[service].engagedSince = nil
                clearWindow(of: Int32(service))
                reviews.remove(Int32(service))
            }
        }
        end(scope, now: now, byOperator: true)
    }

    /// Disengages and lines the suspects up for their release.
    mutating func end(_ scope: Int32, now: Instant, byOperator: Bool) {
        scopes[Int(scope)].engagedSince = nil
        scopes[Int(scope)].calmSince = nil
        scopes[Int(scope)].dropTickets()
        scopes[Int(scope)].isReleasedByOperator = byOperator
        clearWindow(of: scope)
        var slot = scopes[Int(scope)].head
        while slot >= 0 {
            if nodes[Int(slot)].isSuspect {
                scopes[Int(scope)].tickets.append(.init(slot: slot, lapse: nodes[Int(slot)].lapse))
            }
            slot = nodes[Int(slot)][Self.list(of: scope)].next
        }
        scopes[Int(scope)].nextRelease = max(scopes[Int(scope)].nextRelease, now)
        if scopes[Int(scope)].isReleasing {
            reviews.insert(scope, deadline: now)
        } else {
            reviews.remove(scope)
        }
    }

    /// Looks at a scope that is engaged or releasing.
    mutating func review(_ scope: Int32, now: Instant) {
        if scopes[Int(scope)].isEngaged {
            if let next = nextReview(ofEngaged: scope, now: now) {
                reviews.insert(scope, deadline: next)
                return
            }
            end(scope, now: now, byOperator: false)
        }
        releaseSuspects(of: scope, now: now)
        if scopes[Int(scope)].isReleasing {
            // At least one tick ahead, so that one look at the clock ends.
            let turn = max(scopes[Int(scope)].nextRelease, scopes[Int(Self.fleet)].nextRelease)
            reviews.insert(scope, deadline: max(turn, now + TimingWheel.tick))
        } else {
            scopes[Int(scope)].dropTickets()
            reviews.remove(scope)
        }
    }

    /// When an engaged scope is looked at again, or `nil` when the cause is understood and it ends now.
    private mutating func nextReview(ofEngaged scope: Int32, now: Instant) -> Instant? {
        let state = scopes[Int(scope)]
        if !isCalm(scope) {
            scopes[Int(scope)].calmSince = nil
        } else if state.calmSince == nil {
            scopes[Int(scope)].calmSince = now
        }
        let settled = scopes[Int(scope)].calmSince.map { $0 + configuration.settlePeriod }
        if let settled, settled <= now { return nil }

        let quietSince = state.lastLapse + configuration.quietPeriod
        guard quietSince <= now else { return min(quietSince, settled ?? quietSince) }
        if hasWitnesses(scope, now: now) { return nil }
        let retry = now + configuration.window
        return min(retry, settled ?? retry)
    }

    private func hasWitnesses(_ scope: Int32, now: Instant) -> Bool {
        let current = scopes[Int(scope)].population - scopes[Int(scope)].lapsed
        let share = scope == Self.fleet ? configuration.fleetWitnessShare : 0
        return current > 0 && Double(current) >= share * Double(scopes[Int(scope)].population)
            && now - heardAt[Int(scope)] <= configuration.quietPeriod / 2
    }

    private mutating func releaseSuspects(of scope: Int32, now: Instant) {
        let byOperator = scopes[Int(scope)].isReleasedByOperator
        var release: BrakeRelease = byOperator ? [.paced, .byOperator] : .paced
        if scope != Self.fleet { release.insert(.byService) }
        while scopes[Int(scope)].isReleasing {
            let ticket = scopes[Int(scope)].tickets[scopes[Int(scope)].nextTicket]
            let node = nodes[Int(ticket.slot)]
            // What another scope holds has a ticket there when that ends.
            if node.isSuspect, node.lapse == ticket.lapse, byOperator || !isHolding(ticket.slot) {
                guard max(scopes[Int(scope)].nextRelease, scopes[Int(Self.fleet)].nextRelease) <= now else { return }
                takeReleaseTurn(of: scope, now: now)
                nodes[Int(ticket.slot)].isSuspect = false
                scopes[Int(Self.fleet)].suspects -= 1
                scopes[Int(node.scope)].suspects -= 1
                unlink(ticket.slot, from: Self.fleet)
                unlink(ticket.slot, from: node.scope)
                verdicts.append(.release(ticket.slot, release))
            }
            scopes[Int(scope)].nextTicket += 1
        }
    }

    /// Whether an eviction that is due may go ahead.
    ///
    /// What waited for a brake takes its turn later, so that a long hold is not followed by a burst.
    mutating func mayEvict(_ release: BrakeRelease, in scope: Int32, now: Instant) -> Permission {
        if isHolding(scope: scope), !release.contains(.byOperator) {
            return .postponed(now + configuration.window, release.union(.paced).subtracting(.scheduled))
        }
        guard release.contains(.paced), !release.contains(.scheduled) else { return .granted }
        let pacing = release.contains(.byService) ? scope : Self.fleet
        let turn = max(now, scopes[Int(pacing)].nextEviction, scopes[Int(Self.fleet)].nextEviction)
        scopes[Int(pacing)].nextEviction = turn + interval(of: pacing)
        scopes[Int(Self.fleet)].nextEviction = turn + interval(of: Self.fleet)
        return turn <= now ? .granted : .postponed(turn, release.union(.scheduled))
    }

    /// Counts one release of a scope and of the fleet. What was missed for want of a call is made up for one second.
    private mutating func takeReleaseTurn(of scope: Int32, now: Instant) {
        let earliest = now - .seconds(1)
        let last = scopes[Int(scope)].nextRelease
        scopes[Int(scope)].nextRelease = max(last, earliest) + interval(of: scope)
        if scope != Self.fleet {
            let last = scopes[Int(Self.fleet)].nextRelease
            scopes[Int(Self.fleet)].nextRelease = max(last, earliest) + interval(of: Self.fleet)
        }
    }

    private func interval(of scope: Int32) -> Duration {
        let share = configuration.releaseShare * Double(scopes[Int(scope)].population)
        return .nanoseconds(Int64(1e9 / max(configuration.minimumReleasePerSecond, share)))
    }
}
