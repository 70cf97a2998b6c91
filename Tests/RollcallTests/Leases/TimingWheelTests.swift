// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("Timing wheel")
struct TimingWheelTests {
    static let tick = TimingWheel.tick.wholeNanoseconds

    @Test("random inserts, removals and steps expire exactly what a scanned list does, in order", arguments: 0 ..< 300)
    func matchesAScannedList(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var now = Int64.random(in: -1_000_000_000_000 ... 1_000_000_000_000_000, using: &random)
        var wheel = TimingWheel(now: Instant(nanoseconds: now))
        var model: [Int32: Int64] = [:]

        for step in 0 ..< 120 {
            for _ in 0 ..< Int.random(in: 0 ... 6, using: &random) {
                let handle = Int32.random(in: 0 ..< 40, using: &random)
                if Bool.random(using: &random) {
                    let deadline = now + Self.span(using: &random) - Int64.random(in: 0 ... 50_000_000, using: &random)
                    wheel.insert(handle, deadline: Instant(nanoseconds: deadline))
                    model[handle] = max(Self.dueTick(deadline), now >> 24)
                } else {
                    wheel.remove(handle)
                    model[handle] = nil
                }
            }
            if let next = wheel.nextDeadline, Bool.random(using: &random) {
                now = max(now, next.nanoseconds)
            } else {
                now += Self.span(using: &random)
            }
            var fired: [(tick: Int64, handle: Int32)] = []
            while let handle = wheel.popExpired(at: Instant(nanoseconds: now)) {
                fired.append((model[handle] ?? -1, handle))
            }
            let expected = Set(model.filter { $0.value <= now >> 24 }.keys)
            #expect(Set(fired.map(\.handle)) == expected, "seed \(seed) step \(step)")
            #expect(fired.count == expected.count, "seed \(seed) step \(step)")
            #expect(fired.map(\.tick) == fired.map(\.tick).sorted(), "seed \(seed) step \(step)")
            for handle in expected { model[handle] = nil }
            #expect(wheel.count == model.count, "seed \(seed) step \(step)")
            #expect((wheel.nextDeadline == nil) == model.isEmpty, "seed \(seed) step \(step)")
            if let next = wheel.nextDeadline, let first = model.values.min() {
                #expect(next.nanoseconds >> 24 <= first, "seed \(seed) step \(step)")
            }
        }
    }

    @Test("an owner that sleeps until nextDeadline sees each expiry within one tick", arguments: 0 ..< 50)
    func sleepingOwner(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var wheel = TimingWheel(now: .zero)
        let deadlines = (0 ..< 100).map { _ in Self.span(using: &random) }
        for (handle, deadline) in deadlines.enumerated() {
            wheel.insert(Int32(handle), deadline: Instant(nanoseconds: deadline))
        }
        var fired = 0
        var wakes = 0

        while let next = wheel.nextDeadline {
            wakes += 1
            while let handle = wheel.popExpired(at: next) {
                let late = next.nanoseconds - deadlines[Int(handle)]
                #expect(late >= 0 && late < Self.tick, "seed \(seed) handle \(handle)")
                fired += 1
            }
        }

        #expect(fired == 100, "seed \(seed)")
        #expect(wakes <= 100 * 40, "seed \(seed)")
    }

    @Test("a deadline beyond the wheel's 208 days waits its full time")
    func beyondTheHorizon() {
        var wheel = TimingWheel(now: .zero)
        let deadline = Instant.zero + .seconds(900 * 86_400)
        wheel.insert(0, deadline: deadline)
        wheel.insert(1, deadline: .distantFuture)

        #expect(wheel.popExpired(at: deadline - .seconds(1)) == nil)
        #expect(wheel.popExpired(at: deadline + TimingWheel.tick) == 0)
        #expect(wheel.popExpired(at: .distantFuture) == nil)
        #expect(wheel.count == 1)
    }

    @Test("a clock that goes backwards expires nothing and loses nothing")
    func backwards() {
        var wheel = TimingWheel(now: Instant(nanoseconds: 10_000_000_000))
        #expect(wheel.popExpired(at: Instant(nanoseconds: 20_000_000_000)) == nil)
        wheel.insert(3, deadline: Instant(nanoseconds: 5_000_000_000))

        #expect(wheel.popExpired(at: Instant(nanoseconds: 6_000_000_000)) == nil)
        #expect(wheel.popExpired(at: Instant(nanoseconds: 20_000_000_000)) == 3)
    }

    private static func dueTick(_ deadline: Int64) -> Int64 {
        (deadline >> 24) + (deadline & 0xFF_FFFF == 0 ? 0 : 1)
    }

    /// A span of any magnitude from nothing to 400 days.
    private static func span(using random: inout SeededGenerator) -> Int64 {
        let bits = Int64.random(in: 0 ... 55, using: &random)
        return Int64.random(in: 0 ... (1 << bits), using: &random)
    }
}
