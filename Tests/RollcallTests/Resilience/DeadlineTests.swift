// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

@Suite("Deadlines")
struct DeadlineTests {
    let now = Instant(nanoseconds: 1_000_000_000_000)

    @Test("a time-out never moves a deadline later, and none is no time-out")
    func limiting() {
        let deadline = Deadline(after: .seconds(3), now: now)
        #expect(deadline.limited(to: .seconds(5), now: now) == deadline)
        #expect(deadline.limited(to: nil, now: now) == deadline)
        #expect(deadline.limited(to: .seconds(1), now: now).instant == now + .seconds(1))
        #expect(Deadline.none.limited(to: nil, now: now) == .none)
        #expect(Deadline.none.remaining(now: now) == nil)
        #expect(deadline.remaining(now: now + .seconds(1)) == .seconds(2))
        #expect(deadline.remaining(now: now + .seconds(9)) == .zero)
        #expect(deadline.isPassed(now: now + .seconds(3)))
        #expect(!deadline.isPassed(now: now + .milliseconds(2_999)))
        #expect(!Deadline.none.isPassed(now: .distantFuture))
    }

    @Test(
        "grpc-timeout is written in the shortest unit of eight digits",
        arguments: [
            (Duration.nanoseconds(1), "1n"), (.milliseconds(1), "1000000n"), (.milliseconds(100), "100000u"),
            (.seconds(15), "15000000u"), (.nanoseconds(99_999_999), "99999999n"), (.seconds(100), "100000m"),
            (.seconds(100_000), "100000S"), (.seconds(100_000_000), "1666666M"),
            (.seconds(6_000_000_000), "1666666H"),
        ])
    func written(timeout: Duration, text: String) throws {
        #expect(try Deadline(now + timeout).grpcTimeout(now: now) == text)
    }

    @Test(
        "grpc-timeout is read in every unit",
        arguments: [
            ("1H", Duration.seconds(3600)), ("2M", .seconds(120)), ("3S", .seconds(3)), ("250m", .milliseconds(250)),
            ("7u", .microseconds(7)), ("99999999n", .nanoseconds(99_999_999)),
            ("0n", .zero), ("00000001S", .seconds(1)),
        ])
    func read(text: String, timeout: Duration) {
        #expect(Deadline(grpcTimeout: text, now: now)?.instant == now + timeout)
    }

    @Test(
        "what is no grpc-timeout is refused",
        arguments: ["", "S", "5", "123456789m", "-1S", "+1S", "1.5S", "1s", "1h", " 1S", "1S ", "1SS", "１S"])
    func refused(text: String) {
        #expect(Deadline(grpcTimeout: text, now: now) == nil)
    }

    @Test("the longest grpc-timeout saturates at no deadline's side instead of trapping")
    func saturation() {
        let deadline = Deadline(grpcTimeout: "99999999H", now: now)
        #expect((deadline?.instant ?? .zero) > now + .seconds(86_400 * 365 * 100))
    }

    @Test("milliseconds are read and written, rounded down and never zero")
    func milliseconds() throws {
        #expect(try Deadline(now + .microseconds(1_999)).milliseconds(now: now) == "1")
        #expect(try Deadline(now + .seconds(15)).milliseconds(now: now) == "15000")
        #expect(try Deadline.none.milliseconds(now: now) == nil)
        #expect(try Deadline.none.grpcTimeout(now: now) == nil)
        #expect(throws: DeadlinePassed.self) { try Deadline(now + .microseconds(999)).milliseconds(now: now) }
        #expect(throws: DeadlinePassed.self) { try Deadline(now).grpcTimeout(now: now) }
        #expect(throws: DeadlinePassed.self) { try Deadline(now - .seconds(1)).grpcTimeout(now: now) }
        #expect(Deadline(milliseconds: "15000", now: now)?.instant == now + .seconds(15))
        #expect(Deadline(milliseconds: "0", now: now)?.isPassed(now: now) == true)
        for text in ["", "-1", "1.5", "1 ", "1234567890123456"] {
            #expect(Deadline(milliseconds: text, now: now) == nil, "\(text)")
        }
    }

    @Test("a deadline that is passed on is never later, and loses less than the precision of its text")
    func property() throws {
        var random = SeededGenerator(seed: 19)
        for round in 0 ..< 20_000 {
            let bits = Int64.random(in: 1 ... 62, using: &random)
            let left = Int64.random(in: 1 ... (1 << bits), using: &random)
            let deadline = Deadline(now + .nanoseconds(left))
            let text = try #require(try deadline.grpcTimeout(now: now))
            let passedOn = try #require(Deadline(grpcTimeout: text, now: now))
            #expect(passedOn <= deadline, "round \(round): \(left) ns as \(text)")
            // Eight digits hold seven in any unit but at a change of a factor of 60 or 1000.
            let lost = Double((deadline.instant - passedOn.instant).wholeNanoseconds)
            #expect(lost <= Double(left) / 99_999, "round \(round): \(left) ns as \(text)")
            if left >= 1_000_000 {
                let milliseconds = try #require(try deadline.milliseconds(now: now))
                let other = try #require(Deadline(milliseconds: milliseconds, now: now))
                #expect(other <= deadline && deadline.instant - other.instant < .milliseconds(1), "round \(round)")
            }
        }
    }
}
