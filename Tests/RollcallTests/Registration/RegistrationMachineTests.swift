// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The state machine of a registration")
struct RegistrationMachineTests {
    let registration = Registration(service: "web", id: "web-1", host: "10.0.0.1", port: 80)
    let away = RegistryError(.unavailable, "nobody listens")

    @Test("after the first registration a heartbeat is due within a third of the lease and its spread")
    func interval() {
        var random = SeededGenerator(seed: 1)
        for _ in 0 ..< 100 {
            var machine = RegistrationMachine(registration, now: .zero, backoff: Backoff())
            #expect(machine.next(now: .zero) == .register(registration, .new))
            #expect(machine.next(now: .zero) == nil)
            machine.registered(as: Incarnation(7), now: .zero, using: &random)
            let wake = machine.wake ?? .distantFuture
            #expect(wake >= .zero + .seconds(9) && wake <= .zero + .seconds(11))
            #expect(machine.next(now: wake) == .heartbeat(Heartbeat(registration.key, incarnation: Incarnation(7))))
        }
    }

    @Test("while the registry is away the attempts become rarer, but never rarer than the bound")
    func backoff() {
        var random = SeededGenerator(seed: 2)
        var machine = RegistrationMachine(registration, now: .zero, backoff: Backoff(maximum: .seconds(3)))
        var now = Instant.zero
        for attempt in 0 ..< 50 {
            #expect(machine.next(now: now) == .register(registration, .new), "attempt \(attempt)")
            machine.registrationFailed(away, now: now, using: &random)
            let wake = machine.wake ?? .distantFuture
            #expect(wake > now && wake <= now + .seconds(3))
            now = wake
        }
    }

    @Test("what the registry asks to wait is waited")
    func retryAfter() {
        var random = SeededGenerator(seed: 3)
        var machine = RegistrationMachine(registration, now: .zero, backoff: Backoff())
        _ = machine.next(now: .zero)
        machine.registrationFailed(
            RegistryError(.overloaded, "busy", retry: .after(.seconds(60))), now: .zero, using: &random)
        #expect(machine.wake == .zero + .seconds(60))
    }

    @Test("a registration that breaks rules is not repeated until it is replaced")
    func refused() {
        var random = SeededGenerator(seed: 4)
        var machine = RegistrationMachine(registration, now: .zero, backoff: Backoff())
        _ = machine.next(now: .zero)
        machine.registrationFailed(RegistryError(.invalid, "no"), now: .zero, using: &random)
        #expect(machine.wake == nil)
        var better = registration
        better.port = 81
        machine.replace(better, now: .zero)
        #expect(machine.next(now: .zero) == .register(better, .new))
    }

    @Test("an instance without a lease is registered and needs no heartbeats")
    func permanent() {
        var random = SeededGenerator(seed: 5)
        var permanent = registration
        permanent.lease = .permanent
        var machine = RegistrationMachine(permanent, now: .zero, backoff: Backoff())
        #expect(machine.next(now: .zero) == .register(permanent, .new))
        machine.registered(as: Incarnation(7), now: .zero, using: &random)
        #expect(machine.wake == nil)
        #expect(machine.next(now: .zero + .seconds(1000)) == nil)
    }

    @Test("while the registry cannot accept a change, the heartbeats of what it has go on")
    func changeFails() {
        for seed in UInt64(0) ..< 100 {
            var random = SeededGenerator(seed: seed)
            var machine = RegistrationMachine(registration, now: .zero, backoff: Backoff())
            _ = machine.next(now: .zero)
            machine.registered(as: Incarnation(7), now: .zero, using: &random)
            var changed = registration
            changed.port = 81
            machine.replace(changed, now: .zero)
            var lastHeartbeat = Instant.zero
            while let wake = machine.wake, wake < .zero + .seconds(300) {
                switch machine.next(now: wake) {
                case .register(changed, .incarnation(Incarnation(7))):
                    machine.registrationFailed(RegistryError(.storageFull, "full"), now: wake, using: &random)
                case .heartbeat:
                    #expect(wake - lastHeartbeat <= .seconds(11), "seed \(seed)")
                    lastHeartbeat = wake
                    machine.heartbeatAnswered(.renewed, now: wake, using: &random)
                case let other:
                    Issue.record("seed \(seed): \(String(describing: other))")
                    return
                }
                #expect(machine.isRegistered, "seed \(seed)")
            }
            #expect(lastHeartbeat > .zero + .seconds(280), "seed \(seed)")
        }
    }

    @Test("a change that is refused is dropped, and what the registry has is what is registered when it forgets")
    func changeRefused() {
        var random = SeededGenerator(seed: 6)
        var machine = RegistrationMachine(registration, now: .zero, backoff: Backoff())
        _ = machine.next(now: .zero)
        machine.registered(as: Incarnation(7), now: .zero, using: &random)
        var wrong = registration
        wrong.host = ""
        machine.replace(wrong, now: .zero)
        #expect(machine.next(now: .zero) == .register(wrong, .incarnation(Incarnation(7))))
        machine.registrationFailed(RegistryError(.invalid, "no host"), now: .zero, using: &random)

        let wake = machine.wake ?? .distantFuture
        #expect(machine.next(now: wake) == .heartbeat(Heartbeat(registration.key, incarnation: Incarnation(7))))
        machine.heartbeatAnswered(.unknown, now: wake, using: &random)
        #expect(machine.next(now: wake) == .register(registration, .present))
    }

    @Test("a change while an answer is outstanding is sent after it")
    func changeWhileWaiting() {
        var random = SeededGenerator(seed: 7)
        var machine = RegistrationMachine(registration, now: .zero, backoff: Backoff())
        _ = machine.next(now: .zero)
        var changed = registration
        changed.host = "10.0.0.2"
        machine.replace(changed, now: .zero)
        #expect(machine.next(now: .zero) == nil)
        machine.registered(as: Incarnation(7), now: .zero, using: &random)
        #expect(machine.next(now: .zero) == .register(changed, .incarnation(Incarnation(7))))
        machine.registered(as: Incarnation(7), now: .zero, using: &random)
        #expect(machine.next(now: .zero) == nil)
    }

    @Test("whatever comes, it acts or waits for an answer, names its present life, and stops only when it must")
    func random() {
        for seed in UInt64(0) ..< 2000 {
            var random = SeededGenerator(seed: seed)
            var machine = RegistrationMachine(registration, now: .zero, backoff: Backoff())
            var now = Instant.zero
            var life: UInt64 = 0
            for _ in 0 ..< 60 {
                now = now + .milliseconds(Int.random(in: 0 ... 15_000, using: &random))
                if Int.random(in: 0 ..< 10, using: &random) == 0 {
                    var changed = registration
                    changed.port = UInt16.random(in: 1 ... 9, using: &random)
                    machine.replace(changed, now: now)
                }
                switch machine.next(now: now) {
                case .register(let wanted, let wantedLife):
                    #expect(wanted == machine.registration, "seed \(seed)")
                    #expect((wantedLife == .new) == (life == 0), "seed \(seed)")
                    if Bool.random(using: &random) {
                        life += 1
                        machine.registered(as: Incarnation(life), now: now, using: &random)
                    } else {
                        machine.registrationFailed(away, now: now, using: &random)
                    }
                case .heartbeat(let heartbeat):
                    #expect(heartbeat.incarnation == Incarnation(life), "seed \(seed)")
                    switch Int.random(in: 0 ..< 4, using: &random) {
                    case 0: machine.heartbeatFailed(away, now: now, using: &random)
                    case 1: machine.heartbeatAnswered(.unknown, now: now, using: &random)
                    default: machine.heartbeatAnswered(.renewed, now: now, using: &random)
                    }
                case nil: break
                }
                let wake = machine.wake
                #expect(wake != nil && wake.map { $0 <= now + .seconds(11) } == true, "seed \(seed): \(machine.phase)")
            }
        }
    }
}
