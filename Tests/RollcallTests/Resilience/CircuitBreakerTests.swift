// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Circuit breaker")
struct CircuitBreakerTests {
    /// Makes calls one after the other and gives how many were let through.
    @discardableResult
    private func call(
        _ breaker: inout CircuitBreaker, _ outcomes: [CallOutcome], duration: Duration = .zero, at now: Instant = .zero
    ) -> Int {
        outcomes.count { outcome in
            guard let permit = breaker.acquire(now: now) else { return false }
            breaker.release(permit, outcome, duration: duration, now: now)
            return true
        }
    }

    private let bad = CallOutcome.failure(.serverError)

    @Test("it opens when half of the minimum of calls have failed, and not a call before")
    func opens() {
        var breaker = CircuitBreaker(.init(window: .calls(10), minimumCalls: 10))
        call(&breaker, Array(repeating: bad, count: 5) + Array(repeating: .success, count: 4))
        #expect(breaker.state == .closed)
        #expect(breaker.failureRate == nil)
        call(&breaker, [.success])
        #expect(breaker.state == .open(until: .zero + .seconds(60)))
        #expect(breaker.acquire(now: .zero + .milliseconds(59_999)) == nil)
    }

    @Test("the minimum of calls is no larger than a window of calls")
    func minimum() {
        var breaker = CircuitBreaker(.init(window: .calls(4)))
        call(&breaker, [bad, bad, bad, bad])
        #expect(breaker.state == .open(until: .zero + .seconds(60)))
    }

    @Test("calls that take longer than the threshold open it too")
    func slow() {
        var breaker = CircuitBreaker(
            .init(window: .calls(4), slowCallRateThreshold: 0.75, slowCallDuration: .seconds(1)))
        call(&breaker, [.success, .success, .success], duration: .milliseconds(1_001))
        #expect(breaker.state == .closed)
        call(&breaker, [.success], duration: .seconds(1))
        #expect(breaker.state == .open(until: .zero + .seconds(60)))
    }

    @Test("a window of seconds forgets failures that are older")
    func seconds() {
        var breaker = CircuitBreaker(.init(window: .seconds(5), minimumCalls: 4))
        call(&breaker, [bad, bad, bad])
        call(&breaker, [bad], at: .zero + .seconds(5))
        #expect(breaker.state == .closed)
        call(&breaker, [bad, bad, bad], at: .zero + .seconds(9))
        #expect(breaker.state == .open(until: .zero + .seconds(69)))
    }

    @Test("half open lets a bounded number of calls through, and their results decide")
    func halfOpen() {
        var breaker = CircuitBreaker(.init(window: .calls(2), probes: 3))
        call(&breaker, [bad, bad])
        let later = Instant.zero + .seconds(60)
        let permits = (0 ..< 5).compactMap { _ in breaker.acquire(now: later) }
        #expect(permits.count == 3)
        #expect(breaker.state == .halfOpen)
        breaker.release(permits[0], .success, duration: .zero, now: later)
        breaker.release(permits[1], .success, duration: .zero, now: later)
        #expect(breaker.state == .halfOpen)
        breaker.release(permits[2], bad, duration: .zero, now: later)
        #expect(breaker.state == .closed)

        call(&breaker, [bad, bad], at: later)
        let latest = later + .seconds(60)
        call(&breaker, [.success, bad, bad], at: latest)
        #expect(breaker.state == .open(until: latest + .seconds(60)))
    }

    @Test("a cancelled probe gives its permit back")
    func cancelled() {
        var breaker = CircuitBreaker(.init(window: .calls(2), probes: 1))
        call(&breaker, [bad, bad])
        let later = Instant.zero + .seconds(60)
        #expect(call(&breaker, Array(repeating: .cancelled, count: 20), at: later) == 20)
        #expect(breaker.state == .halfOpen)
        #expect(call(&breaker, [.success], at: later) == 1)
        #expect(breaker.state == .closed)
    }

    @Test("a result from before the breaker opened changes nothing afterwards")
    func late() {
        var breaker = CircuitBreaker(.init(window: .calls(2), probes: 1))
        let late = (0 ..< 4).compactMap { _ in breaker.acquire(now: .zero) }
        call(&breaker, [bad, bad])
        let later = Instant.zero + .seconds(60)
        let probe = breaker.acquire(now: later)
        for permit in late { breaker.release(permit, bad, duration: .zero, now: later) }
        #expect(breaker.state == .halfOpen)
        if let probe { breaker.release(probe, .success, duration: .zero, now: later) }
        for permit in late { breaker.release(permit, bad, duration: .zero, now: later) }
        #expect(breaker.state == .closed)
    }

    @Test("a probe that never ends keeps it half open no longer than allowed")
    func lostPermit() {
        var breaker = CircuitBreaker(.init(window: .calls(2), probes: 1, halfOpenDuration: .seconds(10)))
        call(&breaker, [bad, bad])
        let later = Instant.zero + .seconds(60)
        #expect(breaker.acquire(now: later) != nil)
        #expect(breaker.acquire(now: later + .seconds(9)) == nil)
        #expect(breaker.state == .halfOpen)
        #expect(breaker.acquire(now: later + .seconds(10)) == nil)
        #expect(breaker.state == .open(until: later + .seconds(70)))
    }

    /// The rules, applied to lists of results.
    private struct Model {
        let configuration: CircuitBreaker.Configuration
        var state = CircuitBreaker.State.closed
        var age = 0
        var results: [(failed: Bool, slow: Bool, second: Int64)] = []
        var probesOut = 0

        mutating func acquire(now: Instant) -> Int? {
            if case .open(let until) = state {
                guard now >= until else { return nil }
                enter(.halfOpen)
            }
            if state == .halfOpen {
                guard probesOut + results.count < configuration.probes else { return nil }
                probesOut += 1
            }
            return age
        }

        mutating func release(_ age: Int, _ outcome: CallOutcome, duration: Duration, now: Instant) {
            guard age == self.age else { return }
            if state == .halfOpen { probesOut -= 1 }
            guard outcome != .cancelled else { return }
            let second = now.nanoseconds / 1_000_000_000
            results.append((outcome != .success, duration > configuration.slowCallDuration, second))
            var least = configuration.probes
            if state == .closed {
                least = configuration.minimumCalls
                switch configuration.window {
                case .calls(let size):
                    results = results.suffix(size)
                    least = min(least, size)
                case .seconds(let length): results.removeAll { $0.second <= second - Int64(length) }
                }
            }
            guard results.count >= least else { return }
            let failureRate = Double(results.count(where: \.failed)) / Double(results.count)
            let slowRate = Double(results.count(where: \.slow)) / Double(results.count)
            let isBad =
                failureRate >= configuration.failureRateThreshold || slowRate >= configuration.slowCallRateThreshold
            if isBad {
                enter(.open(until: now + configuration.openDuration))
            } else if state == .halfOpen {
                enter(.closed)
            }
        }

        mutating func enter(_ state: CircuitBreaker.State) {
            self.state = state
            age += 1
            results = []
            probesOut = 0
        }
    }

    private static func isLegal(_ before: CircuitBreaker.State, _ after: CircuitBreaker.State) -> Bool {
        switch (before, after) {
        case (.closed, .open), (.open, .halfOpen), (.halfOpen, .open), (.halfOpen, .closed): true
        default: before == after
        }
    }

    @Test("it does what the rules say of a list of results, whatever the order")
    func property() {
        let edges = (0 ..< 300).map(edges).reduce(0, +)
        #expect(edges > 3_000)
    }

    /// Runs a random sequence beside the model and gives how often the state changed.
    private func edges(seed: UInt64) -> Int {
        var random = SeededGenerator(seed: seed)
        let configuration = CircuitBreaker.Configuration(
            window: Bool.random(using: &random)
                ? .calls(.random(in: 1 ... 12, using: &random)) : .seconds(.random(in: 1 ... 8, using: &random)),
            minimumCalls: .random(in: 1 ... 10, using: &random),
            failureRateThreshold: [0.25, 0.5, 0.75, 1][Int.random(in: 0 ..< 4, using: &random)],
            slowCallRateThreshold: [0.5, 0.75, 1][Int.random(in: 0 ..< 3, using: &random)],
            slowCallDuration: .milliseconds(500), openDuration: .seconds(3),
            probes: .random(in: 1 ... 4, using: &random))
        var breaker = CircuitBreaker(configuration)
        var model = Model(configuration: configuration)
        var now = Instant.zero
        var pending: [(permit: CircuitBreaker.Permit, age: Int)] = []
        var edges = 0
        let health = Double.random(in: 0.2 ... 0.9, using: &random)
        for step in 0 ..< 600 {
            now = now + .milliseconds(Int.random(in: 0 ... 600, using: &random))
            let before = breaker.state
            if pending.isEmpty || Bool.random(using: &random) {
                let permit = breaker.acquire(now: now)
                let age = model.acquire(now: now)
                #expect((permit == nil) == (age == nil), "seed \(seed) step \(step)")
                if let permit, let age { pending.append((permit, age)) }
            } else {
                let call = pending.remove(at: Int.random(in: 0 ..< pending.count, using: &random))
                let outcome: CallOutcome =
                    Int.random(in: 0 ..< 6, using: &random) == 0
                    ? .cancelled : Double.random(in: 0 ..< 1, using: &random) < health ? .success : bad
                let duration = Duration.milliseconds(Int.random(in: 0 ... 700, using: &random))
                breaker.release(call.permit, outcome, duration: duration, now: now)
                model.release(call.age, outcome, duration: duration, now: now)
            }
            #expect(breaker.state == model.state, "seed \(seed) step \(step)")
            #expect(Self.isLegal(before, breaker.state), "seed \(seed) step \(step)")
            if before != breaker.state { edges += 1 }
            for rate in [breaker.failureRate, breaker.slowCallRate].compactMap(\.self) {
                #expect((0 ... 1).contains(rate), "seed \(seed) step \(step)")
            }
        }
        return edges
    }
}
