// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
@testable import RollcallRemote
import RollcallTesting
import Testing

@Suite("The plan of a call")
struct CallPlanTests {
    private static func selection(_ count: Int, preferred: Int = 0) -> ServerSelection {
        var selection = ServerSelection(count: count)
        selection.succeeded(preferred)
        return selection
    }

    private static func seconds(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }

    @Test("asks the preferred server first, then the others in turn without a pause")
    func turn() {
        var plan = CallPlan(Self.selection(3, preferred: 1), configuration: RemoteConfiguration(), start: .zero)
        var random = SeededGenerator(seed: 1)
        let unavailable = CallPlan.Failure.unavailable(retryAfter: nil)
        #expect(plan.next(now: .zero) == .attempt(server: 1, timeout: .seconds(3)))
        #expect(
            plan.failed(unavailable, now: Self.seconds(1), using: &random) == .attempt(server: 2, timeout: .seconds(3)))
        #expect(
            plan.failed(unavailable, now: Self.seconds(2), using: &random) == .attempt(server: 0, timeout: .seconds(3)))
        guard case .wait(let until) = plan.failed(unavailable, now: Self.seconds(3), using: &random) else {
            Issue.record("a pause was expected")
            return
        }
        #expect(plan.next(now: until) == .attempt(server: 1, timeout: .seconds(3)))
    }

    @Test("gives the last attempt only the time that is left, and then gives up")
    func deadline() {
        var plan = CallPlan(Self.selection(2), configuration: RemoteConfiguration(), start: .zero)
        var random = SeededGenerator(seed: 1)
        let unavailable = CallPlan.Failure.unavailable(retryAfter: nil)
        #expect(
            plan.failed(unavailable, now: Self.seconds(9), using: &random) == .attempt(server: 1, timeout: .seconds(1)))
        #expect(plan.failed(unavailable, now: Self.seconds(10), using: &random) == .giveUp)
        #expect(plan.next(now: Self.seconds(10)) == .giveUp)
    }

    @Test("waits as long as a server advised, unless that is too long for the call")
    func advice() {
        var plan = CallPlan(Self.selection(2), configuration: RemoteConfiguration(), start: .zero)
        var random = SeededGenerator(seed: 1)
        _ = plan.failed(.unavailable(retryAfter: .seconds(7)), now: .zero, using: &random)
        let pause = plan.failed(.unavailable(retryAfter: .seconds(4)), now: .zero, using: &random)
        #expect(pause == .wait(until: Self.seconds(4)))
        _ = plan.failed(.unavailable(retryAfter: nil), now: Self.seconds(4), using: &random)
        #expect(plan.failed(.unavailable(retryAfter: .seconds(6)), now: Self.seconds(4), using: &random) == .giveUp)
    }

    @Test("does not ask again what is no Rollcall server")
    func useless() {
        var plan = CallPlan(Self.selection(2), configuration: RemoteConfiguration(), start: .zero)
        var random = SeededGenerator(seed: 1)
        #expect(plan.failed(.useless, now: .zero, using: &random) == .attempt(server: 1, timeout: .seconds(3)))
        guard case .wait(let until) = plan.failed(.unavailable(retryAfter: nil), now: .zero, using: &random) else {
            Issue.record("a pause was expected")
            return
        }
        #expect(plan.next(now: until) == .attempt(server: 1, timeout: .seconds(3)))
        #expect(plan.failed(.useless, now: until, using: &random) == .giveUp)
    }

    @Test("never goes on after the deadline and never asks a useless server again", arguments: 0 ..< 300)
    func randomFailures(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1 ... 4, using: &random)
        let configuration = RemoteConfiguration()
        let selection = Self.selection(count, preferred: Int.random(in: 0 ..< count, using: &random))
        var plan = CallPlan(selection, configuration: configuration, start: .zero)
        let deadline = Instant.zero + configuration.callTimeout
        var now = Instant.zero
        var useless: Set<Int> = []
        var asked: [Int] = []
        var step = plan.next(now: now)
        for _ in 0 ..< 10_000 {
            switch step {
            case .giveUp:
                #expect(!asked.isEmpty, "seed \(seed)")
                return
            case .wait(let until):
                #expect(until >= now && until < deadline, "seed \(seed)")
                #expect(Set(asked).union(useless).count == count, "a pause before all were asked, seed \(seed)")
                now = until
                step = plan.next(now: now)
            case .attempt(let server, let timeout):
                #expect(now + timeout <= deadline && timeout > .zero, "seed \(seed)")
                #expect(!useless.contains(server), "seed \(seed)")
                asked.append(server)
                now = now + timeout * Double.random(in: 0 ... 1, using: &random)
                let failure: CallPlan.Failure
                switch Int.random(in: 0 ..< 6, using: &random) {
                case 0:
                    failure = .useless
                    useless.insert(server)
                case 1: failure = .unavailable(retryAfter: .milliseconds(Int64.random(in: 0 ... 3000, using: &random)))
                default: failure = .unavailable(retryAfter: nil)
                }
                step = plan.failed(failure, now: now, using: &random)
            }
        }
        Issue.record("the call did not end, seed \(seed)")
    }

    @Test("prefers the server that answered last, and a late failure of another changes nothing")
    func preference() {
        var selection = ServerSelection(count: 3)
        #expect(selection.preferred == 0)
        selection.failed(0)
        #expect(selection.preferred == 1)
        selection.failed(0)
        #expect(selection.preferred == 1)
        selection.succeeded(2)
        #expect(selection.preferred == 2)
        selection.failed(2)
        #expect(selection.preferred == 0)
    }
}
