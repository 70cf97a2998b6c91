// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The registrations of one process")
struct RegistrationSetTests {
    private static func registration(_ number: Int) -> Registration {
        Registration(service: "web", id: InstanceID("web-\(number)"), host: "10.0.0.1", port: 80)
    }

    /// A set of which all that is due was registered.
    private static func registered(
        _ count: Int, now: Instant, using random: inout SeededGenerator
    ) -> RegistrationSet {
        var set = RegistrationSet(backoff: Backoff())
        for number in 0 ..< count { set.keep(registration(number), now: now) }
        register(&set, now: now, using: &random)
        return set
    }

    private static func register(_ set: inout RegistrationSet, now: Instant, using random: inout SeededGenerator) {
        for (registration, _) in set.due(now: now).registrations {
            set.told(registration.key) { $0.registered(as: Incarnation(7), now: now, using: &random) }
        }
    }

    @Test("the heartbeats of all instances that began together are in one request")
    func oneRequest() {
        for seed in UInt64(0) ..< 50 {
            var random = SeededGenerator(seed: seed)
            var set = Self.registered(20, now: .zero, using: &random)
            for round in 0 ..< 20 {
                guard let wake = set.wake else {
                    Issue.record("seed \(seed): nothing is due")
                    return
                }
                let due = set.due(now: wake)
                #expect(due.heartbeats.count == 20, "seed \(seed), round \(round)")
                for beat in due.heartbeats {
                    set.told(beat.key) { $0.heartbeatAnswered(.renewed, now: wake, using: &random) }
                }
            }
        }
    }

    @Test("instances that began at any time come to share their requests, and none beats late")
    func convergence() {
        for seed in UInt64(0) ..< 50 {
            var random = SeededGenerator(seed: seed)
            var set = RegistrationSet(backoff: Backoff())
            var last: [InstanceKey: Instant] = [:]
            var now = Instant.zero
            for number in 0 ..< 20 {
                now = now + .milliseconds(Int.random(in: 0 ... 400, using: &random))
                set.keep(Self.registration(number), now: now)
                last[Self.registration(number).key] = now
                Self.register(&set, now: now, using: &random)
            }
            var requests = 0
            let end = now + .seconds(1000)
            while let wake = set.wake, wake < end {
                requests += wake > now + .seconds(100) ? 1 : 0
                for beat in set.due(now: wake).heartbeats {
                    let pause = wake - (last[beat.key] ?? .zero)
                    #expect(pause <= .seconds(11) && pause >= .seconds(2), "seed \(seed): \(pause)")
                    last[beat.key] = wake
                    set.told(beat.key) { $0.heartbeatAnswered(.renewed, now: wake, using: &random) }
                }
            }
            // 900 s, a heartbeat each 9 to 11 s; the first of many is the earliest of their times.
            #expect((82 ... 105).contains(requests), "seed \(seed): \(requests) requests")
        }
    }

    @Test("a heartbeat is not sent as soon as the last one because others send theirs")
    func notTooEarly() {
        var random = SeededGenerator(seed: 1)
        var set = Self.registered(1, now: .zero, using: &random)
        let wake = set.wake ?? .distantFuture
        set.keep(Self.registration(1), now: wake)
        #expect(set.due(now: wake).heartbeats.map(\.key) == [Self.registration(0).key])
        set.told(Self.registration(1).key) { $0.registered(as: Incarnation(8), now: wake, using: &random) }
        #expect(set.due(now: wake).isEmpty)
    }

    @Test("while draining there are heartbeats and nothing else")
    func draining() {
        var random = SeededGenerator(seed: 2)
        var set = Self.registered(2, now: .zero, using: &random)
        set.keep(Self.registration(2), now: .zero)
        set.drain()
        set.keep(Self.registration(3), now: .zero)
        #expect(set.due(now: .zero).isEmpty)
        let wake = set.wake ?? .distantFuture
        let due = set.due(now: wake)
        #expect(due.registrations.isEmpty && due.heartbeats.count == 2)
        for beat in due.heartbeats {
            set.told(beat.key) { $0.heartbeatAnswered(.unknown, now: wake, using: &random) }
        }
        #expect(set.wake == nil)
        #expect(set.due(now: wake).isEmpty)
    }
}
