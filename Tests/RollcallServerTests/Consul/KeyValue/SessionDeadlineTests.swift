// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@testable import RollcallServer

@Suite("The deadlines of sessions")
struct SessionDeadlineTests {
    @Test("come between one and two TTLs after the last renewal", arguments: 0..<60 as Range<UInt64>)
    func sequences(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var deadlines = SessionDeadlines()
        var model: [String: (ttl: Duration, renewed: Instant)] = [:]
        var now = Instant.zero
        for _ in 0..<200 {
            now = now + .milliseconds(Int.random(in: 0...4000, using: &random))
            let id = "\(Int.random(in: 0..<6, using: &random))"
            switch Int.random(in: 0..<5, using: &random) {
            case 0:
                let ttl: Duration = .seconds(Int.random(in: 10...20, using: &random))
                if model[id] == nil {
                    deadlines.begin(id, ttl: ttl, now: now)
                    model[id] = (ttl, now)
                }
            case 1:
                deadlines.remove(id)
                model[id] = nil
            case 2:
                let goesOn = deadlines.renew(id, now: now)
                #expect(goesOn, "seed \(seed)")
                model[id]?.renewed = now
            default: break
            }
            let next = deadlines.next ?? .distantFuture
            let due = deadlines.takeDue(now: now)
            #expect(next <= now || due.isEmpty, "seed \(seed)")
            for id in due {
                let waited = (model[id]?.renewed ?? now).duration(to: now)
                #expect(waited >= model[id]?.ttl ?? .zero, "seed \(seed)")
                let goesOn = deadlines.renew(id, now: now)
                #expect(!goesOn, "seed \(seed)")
                deadlines.remove(id)
                model[id] = nil
            }
            for (id, term) in model {
                #expect(term.renewed.duration(to: now) < term.ttl * 2, "seed \(seed), \(id) is overdue")
            }
        }
    }

    @Test("come again after an end that failed, and until then can be moved")
    func postponed() {
        var deadlines = SessionDeadlines()
        deadlines.begin("a", ttl: .seconds(10), now: .zero)
        deadlines.begin("b", ttl: .seconds(10), now: .zero)
        let due = Instant.zero + .seconds(20)
        let first = deadlines.takeDue(now: due)
        let none = deadlines.takeDue(now: due + .seconds(100))
        deadlines.postpone(["a", "b"], until: due + .seconds(1))
        let isRenewed = deadlines.renew("b", now: due)
        let second = deadlines.takeDue(now: due + .seconds(1))
        #expect(first == ["a", "b"])
        #expect(none == [])
        #expect(isRenewed)
        #expect(second == ["a"])
    }
}
