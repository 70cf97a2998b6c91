// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Outlier detection")
struct OutlierDetectorTests {
    typealias Detector = OutlierDetector<Int>
    let bad = CallOutcome.failure(.serverError)

    private func detector(
        of count: Int, _ configuration: OutlierConfiguration = OutlierConfiguration()
    ) -> Detector {
        var detector = Detector(configuration, now: .zero)
        #expect(detector.update(0 ..< count, now: .zero) == [])
        return detector
    }

    /// Calls one after the other at one instant.
    private func call(
        _ detector: inout Detector, _ endpoint: Int, _ outcomes: [CallOutcome], at now: Instant
    ) -> [Detector.Transition] {
        outcomes.flatMap { detector.record($0, of: endpoint, start: now, now: now) }
    }

    @Test("five failures in a row take an endpoint out for 30 s, four do not, and a success begins anew")
    func consecutive() {
        var detector = detector(of: 3)
        #expect(call(&detector, 0, [bad, bad, bad, bad, .success, bad, bad, bad, bad], at: .zero) == [])
        #expect(
            call(&detector, 0, [.cancelled, bad], at: .zero)
                == [.ejected(0, until: .zero + .seconds(30), .consecutiveFailures)])
        #expect(detector.ejected == [0])
        #expect(detector.advance(to: .zero + .milliseconds(29_999)) == [])
        #expect(detector.wake == .zero + .seconds(30))
        #expect(detector.advance(to: .zero + .seconds(30)) == [.readmitted(0)])
        #expect(detector.ejected == [])
        #expect(detector.wake == nil)
    }

    @Test(
        "the share never rounds to nobody for three endpoints or more, and never takes the last",
        arguments: [(0, 0), (1, 0), (2, 0), (3, 1), (9, 1), (10, 1), (19, 1), (20, 2), (30, 3)])
    func share(endpoints: Int, out: Int) {
        var detector = detector(of: endpoints)
        #expect(detector.ejectionsMax == out)
        for endpoint in 0 ..< endpoints { _ = call(&detector, endpoint, Array(repeating: bad, count: 9), at: .zero) }
        #expect(detector.ejected.count == out)
    }

    @Test("even the whole share leaves one", arguments: 1 ... 5)
    func last(endpoints: Int) {
        var detector = detector(of: endpoints, OutlierConfiguration(maximumEjectedShare: 1))
        for endpoint in 0 ..< endpoints { _ = call(&detector, endpoint, Array(repeating: bad, count: 9), at: .zero) }
        #expect(detector.ejected.count == endpoints - 1)
    }

    @Test("a rate of 50 among four of 100 lies below mean less 1.9 deviations; equal rates do not")
    func vector() {
        let threshold = OutlierStatistics.threshold(of: [50, 100, 100, 100, 100], factor: 1.9)
        #expect(abs(threshold - 52) < 1e-9)
        #expect(OutlierStatistics.threshold(of: [0.9, 0.9, 0.9], factor: 1.9) <= 0.9)
    }

    private func half(_ calls: Int) -> [CallOutcome] { (0 ..< calls).map { $0 % 2 == 0 ? bad : .success } }

    @Test("an endpoint that fails half of its calls goes at the next comparison")
    func successRate() {
        var detector = detector(of: 5)
        let now = Instant.zero + .seconds(9)
        #expect(call(&detector, 0, half(100), at: now) == [])
        for endpoint in 1 ..< 5 {
            #expect(call(&detector, endpoint, Array(repeating: .success, count: 100), at: now) == [])
        }
        #expect(detector.wake == .zero + .seconds(10))
        #expect(
            detector.advance(to: .zero + .seconds(10)) == [.ejected(0, until: .zero + .seconds(40), .successRate)])
    }

    @Test(
        "too few endpoints, too few calls or a tolerable rate are not compared",
        arguments: [(4, 100, 50), (5, 99, 50), (5, 100, 5)])
    func notCompared(endpoints: Int, calls: Int, failures: Int) {
        var detector = detector(of: endpoints)
        let outcomes = half(2 * failures) + Array(repeating: .success, count: 100 - 2 * failures)
        _ = call(&detector, 0, Array(outcomes.prefix(calls)), at: .zero)
        for endpoint in 1 ..< endpoints {
            _ = call(&detector, endpoint, Array(repeating: .success, count: 100), at: .zero)
        }
        #expect(detector.advance(to: .zero + .seconds(10)) == [])
    }

    /// Wakes the detector whenever it asks for it, until it has something to say, and gives when that was.
    private func wakeUntilTransition(_ detector: inout Detector) -> Instant {
        while let wake = detector.wake {
            if detector.advance(to: wake) == [.readmitted(0)] { return wake }
        }
        return .zero
    }

    @Test("a first call that fails sends an endpoint that came back out again, for longer each time up to the bound")
    func probation() {
        var detector = detector(of: 3)
        var now = Instant.zero
        _ = call(&detector, 0, Array(repeating: bad, count: 5), at: now)
        for expected in [60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300] {
            now = wakeUntilTransition(&detector)
            #expect(detector.ejected == [])
            #expect(
                call(&detector, 0, [.cancelled, bad], at: now)
                    == [.ejected(0, until: now + .seconds(expected), .probation)])
        }
        now = wakeUntilTransition(&detector)
        #expect(call(&detector, 0, [.success, bad, bad, bad, bad], at: now) == [])
    }

    @Test("each good interval takes one base time off the next ejection")
    func decay() {
        var detector = detector(of: 3)
        _ = call(&detector, 0, Array(repeating: bad, count: 5), at: .zero)
        let back = Instant.zero + .seconds(30)
        _ = detector.advance(to: back)
        _ = call(&detector, 0, [bad], at: back)
        let again = back + .seconds(60)
        _ = detector.advance(to: again)
        _ = call(&detector, 0, [bad], at: again)
        let proven = again + .seconds(90)
        _ = call(&detector, 0, [.success], at: proven)
        let later = proven + .seconds(25)
        #expect(
            call(&detector, 0, Array(repeating: bad, count: 5), at: later)
                == [.ejected(0, until: later + .seconds(60), .consecutiveFailures)])
    }

    @Test("calls that began before an ejection say nothing after it")
    func late() {
        var detector = detector(of: 3)
        _ = call(&detector, 0, Array(repeating: bad, count: 5), at: .zero)
        #expect(detector.record(bad, of: 0, start: .zero, now: .zero + .seconds(1)) == [])
        let back = Instant.zero + .seconds(30)
        #expect(detector.record(bad, of: 0, start: .zero, now: back) == [.readmitted(0)])
        #expect(detector.ejected == [])
    }

    @Test("who asks for less is no failure in a row, but fails the first call after coming back")
    func overloaded() {
        var detector = detector(of: 3)
        #expect(call(&detector, 0, Array(repeating: .failure(.overloaded), count: 20), at: .zero) == [])
        _ = call(&detector, 0, Array(repeating: bad, count: 5), at: .zero)
        let back = Instant.zero + .seconds(30)
        _ = detector.advance(to: back)
        #expect(
            call(&detector, 0, [.failure(.overloaded)], at: back)
                == [.ejected(0, until: back + .seconds(60), .probation)])
    }

    @Test("who stays keeps its state, who leaves is forgotten, and a smaller service takes back who is too many")
    func membership() {
        var detector = detector(of: 20)
        _ = call(&detector, 3, Array(repeating: bad, count: 5), at: .zero)
        _ = call(&detector, 4, Array(repeating: bad, count: 5), at: .zero + .seconds(1))
        _ = call(&detector, 5, [bad, bad, bad, bad], at: .zero)
        #expect(detector.update(0 ..< 20, now: .zero + .seconds(2)) == [])
        #expect(detector.ejected == [3, 4])
        #expect(detector.update([3, 4, 5, 6], now: .zero + .seconds(2)) == [.readmitted(3)])
        #expect(detector.ejected == [4])
        #expect(detector.update([3, 5, 6], now: .zero + .seconds(2)) == [])
        #expect(
            call(&detector, 5, [bad], at: .zero + .seconds(3))
                == [.ejected(5, until: .zero + .seconds(33), .consecutiveFailures)])
        #expect(detector.update([5], now: .zero + .seconds(4)) == [.readmitted(5)])
        #expect(call(&detector, 9, Array(repeating: bad, count: 9), at: .zero + .seconds(5)) == [])
    }

    /// The rules of consecutive failures and of coming back, applied to lists of what happened.
    private struct Model {
        struct Member {
            var results: [CallOutcome] = []
            var since: Instant
            var until: Instant?
            var isBack = false
        }
        var members: [Int: Member] = [:]
        var limit: Int { members.count >= 3 ? max(1, members.count / 10) : 0 }

        mutating func readmit(now: Instant) -> Set<Int> {
            let due = members.filter { ($0.value.until ?? .distantFuture) <= now }.map(\.key)
            for endpoint in due { members[endpoint] = Member(since: now, isBack: true) }
            return Set(due)
        }

        /// Whether the endpoint goes.
        mutating func record(_ outcome: CallOutcome, of endpoint: Int, start: Instant) -> Bool {
            guard outcome != .cancelled, let member = members[endpoint], member.until == nil, start >= member.since
            else { return false }
            members[endpoint]?.results.append(outcome)
            let results = members[endpoint]?.results ?? []
            let failures = results.reversed().prefix { $0 != .success }
            let inARow = failures.count { $0 != .failure(.overloaded) }
            let isFirst = member.isBack && !results.contains(.success)
            guard outcome != .success, isFirst || (outcome != .failure(.overloaded) && inARow >= 5) else {
                return false
            }
            return members.values.count { $0.until != nil } < limit
        }
    }

    @Test("it does what the rules say of lists of results, and never takes out too many", arguments: 0 ..< 300)
    func property(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        // Comparison has its own tests; here it needs more endpoints than there are.
        let configuration = OutlierConfiguration(successRateMinimumEndpoints: 1_000)
        var detector = Detector(configuration, now: .zero)
        var model = Model()
        var now = Instant.zero
        var pending: [(endpoint: Int, start: Instant)] = []
        let pool = Int.random(in: 1 ... 40, using: &random)
        let sick = Set((0 ..< pool).filter { _ in Int.random(in: 0 ..< 4, using: &random) == 0 })
        for step in 0 ..< 1_500 {
            now = now + .milliseconds(Int.random(in: 0 ... 500, using: &random))
            var expectedOut: Int?
            var transitions: [Detector.Transition] = []
            var back: Set<Int> = []
            if step == 0 || Int.random(in: 0 ..< 100, using: &random) == 0 {
                let members = (0 ..< pool).filter { _ in Int.random(in: 0 ..< 5, using: &random) > 0 }
                let present = Set(members)
                model.members = model.members.filter { present.contains($0.key) }
                for endpoint in members where model.members[endpoint] == nil {
                    model.members[endpoint] = .init(since: now)
                }
                back = model.readmit(now: now)
                let out = model.members.filter { $0.value.until != nil }.sorted {
                    ($0.value.until ?? .zero) < ($1.value.until ?? .zero)
                }
                for (endpoint, _) in out.prefix(max(0, out.count - model.limit)) {
                    model.members[endpoint] = .init(since: now, isBack: true)
                    back.insert(endpoint)
                }
                transitions = detector.update(members, now: now)
            } else if pending.isEmpty || Bool.random(using: &random) {
                pending.append((Int.random(in: 0 ..< pool, using: &random), now))
                continue
            } else {
                let call = pending.remove(at: Int.random(in: 0 ..< pending.count, using: &random))
                let dice = Int.random(in: 0 ..< 20, using: &random)
                let outcome: CallOutcome =
                    switch dice {
                    case 0: .cancelled
                    case 1: .failure(.overloaded)
                    case 2 ..< 5: .success
                    default: sick.contains(call.endpoint) ? .failure(.timeout) : .success
                    }
                back = model.readmit(now: now)
                if model.record(outcome, of: call.endpoint, start: call.start) { expectedOut = call.endpoint }
                transitions = detector.record(outcome, of: call.endpoint, start: call.start, now: now)
            }
            var told: Set<Int> = []
            for transition in transitions {
                switch transition {
                case .readmitted(let endpoint): told.insert(endpoint)
                case .ejected(let endpoint, let until, _):
                    #expect(endpoint == expectedOut, "seed \(seed) step \(step)")
                    #expect(until >= now + .seconds(30) && until <= now + .seconds(300), "seed \(seed) step \(step)")
                    model.members[endpoint]?.until = until
                    expectedOut = nil
                }
            }
            #expect(expectedOut == nil, "seed \(seed) step \(step)")
            #expect(told == back, "seed \(seed) step \(step)")
            #expect(detector.ejected == Set(model.members.filter { $0.value.until != nil }.map(\.key)))
            #expect(detector.ejected.count <= model.limit, "seed \(seed) step \(step)")
            if let wake = detector.wake { #expect(wake > now, "seed \(seed) step \(step)") }
        }
    }
}
