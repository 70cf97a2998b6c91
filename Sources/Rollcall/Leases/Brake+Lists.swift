// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The lists of lapsed leases, linked through the nodes: one of the fleet and one of each service.
extension Brake {
    mutating func append(_ slot: Int32, to scope: Int32) {
        let list = Self.list(of: scope)
        let tail = scopes[Int(scope)].tail
        nodes[Int(slot)][list] = BrakeLink(next: -1, previous: tail, isListed: true, isLoss: true)
        if tail >= 0 {
            nodes[Int(tail)][list].next = slot
        } else {
            scopes[Int(scope)].head = slot
        }
        scopes[Int(scope)].tail = slot
        if scopes[Int(scope)].windowHead < 0 { scopes[Int(scope)].windowHead = slot }
        scopes[Int(scope)].losses += 1
    }

    mutating func unlink(_ slot: Int32, from scope: Int32) {
        let list = Self.list(of: scope)
        let link = nodes[Int(slot)][list]
        guard link.isListed else { return }
        if link.previous >= 0 {
            nodes[Int(link.previous)][list].next = link.next
        } else {
            scopes[Int(scope)].head = link.next
        }
        if link.next >= 0 {
            nodes[Int(link.next)][list].previous = link.previous
        } else {
            scopes[Int(scope)].tail = link.previous
        }
        if scopes[Int(scope)].windowHead == slot { scopes[Int(scope)].windowHead = link.next }
        if link.isLoss { scopes[Int(scope)].losses -= 1 }
        nodes[Int(slot)][list] = BrakeLink()
    }

    /// Lets losses that are older than the window count no longer.
    mutating func slideWindow(of scope: Int32, now: Instant) {
        let start = now - configuration.window
        while true {
            let slot = scopes[Int(scope)].windowHead
            guard slot >= 0, nodes[Int(slot)].lapsedAt < start else { return }
            dropLoss(slot, of: scope)
        }
    }

    /// Starts counting losses anew.
    mutating func clearWindow(of scope: Int32) {
        while scopes[Int(scope)].windowHead >= 0 {
            dropLoss(scopes[Int(scope)].windowHead, of: scope)
        }
    }

    /// The losses within the window that ends `now`.
    func losses(of scope: Int32, now: Instant) -> Int {
        let list = Self.list(of: scope)
        let start = now - configuration.window
        var losses = scopes[Int(scope)].losses
        var slot = scopes[Int(scope)].windowHead
        while slot >= 0, nodes[Int(slot)].lapsedAt < start {
            losses -= 1
            slot = nodes[Int(slot)][list].next
        }
        return losses
    }

    static func list(of scope: Int32) -> BrakeList {
        scope == fleet ? .fleet : .service
    }

    private mutating func dropLoss(_ slot: Int32, of scope: Int32) {
        let list = Self.list(of: scope)
        nodes[Int(slot)][list].isLoss = false
        scopes[Int(scope)].losses -= 1
        scopes[Int(scope)].windowHead = nodes[Int(slot)][list].next
    }
}
