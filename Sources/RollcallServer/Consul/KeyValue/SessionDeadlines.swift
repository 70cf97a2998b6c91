// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HeapModule
internal import Rollcall

/// When sessions run out: a value that is told when they are renewed.
///
/// A TTL is a lower bound: a session that is not renewed is ended after twice its TTL, as Consul's servers do, so that
/// a holder that is a little late does not lose its locks.
struct SessionDeadlines: Sendable {
    private struct Term: Sendable {
        let ttl: Duration
        var deadline: Instant
        /// It ran out and is being ended: it cannot be renewed any more.
        var isEnding = false
    }

    private struct Due: Sendable, Comparable {
        let deadline: Instant
        let id: String

        static func < (left: Due, right: Due) -> Bool { left.deadline < right.deadline }
    }

    private var terms: [String: Term] = [:]
    /// One for each session, or more; its deadline may have moved on since.
    private var heap = Heap<Due>()

    /// Begins the full term of a session.
    mutating func begin(_ id: String, ttl: Duration, now: Instant) {
        let deadline = now + ttl * 2
        terms[id] = Term(ttl: ttl, deadline: deadline)
        heap.insert(Due(deadline: deadline, id: id))
    }

    mutating func remove(_ id: String) { terms[id] = nil }

    /// - Returns: Whether the session goes on: false when it is being ended.
    mutating func renew(_ id: String, now: Instant) -> Bool {
        guard let term = terms[id] else { return true }
        guard !term.isEnding else { return false }
        terms[id]?.deadline = now + term.ttl * 2
        return true
    }

    /// The sessions that have run out. They are as good as ended: the caller ends them, or postpones it.
    mutating func takeDue(now: Instant) -> [String] {
        var due: [String] = []
        while let first = heap.min, first.deadline <= now {
            heap.removeMin()
            guard let term = terms[first.id], !term.isEnding else { continue }
            if term.deadline <= now {
                terms[first.id]?.isEnding = true
                due.append(first.id)
            } else {
                heap.insert(Due(deadline: term.deadline, id: first.id))
            }
        }
        return due.sorted()
    }

    /// Lets sessions that could not be ended be due again at `deadline`; until then they can be renewed.
    mutating func postpone(_ ids: [String], until deadline: Instant) {
        for id in ids where terms[id]?.isEnding == true {
            terms[id]?.isEnding = false
            terms[id]?.deadline = deadline
            heap.insert(Due(deadline: deadline, id: id))
        }
    }

    /// No session runs out before.
    var next: Instant? { heap.min?.deadline }
}
