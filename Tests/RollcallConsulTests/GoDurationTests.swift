// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallConsul
import Testing

@Suite("Durations as Go writes them")
struct GoDurationTests {
    @Test(
        "are read",
        arguments: [
            ("10s", Duration.seconds(10)), ("1h30m", .seconds(5400)), ("120000ms", .seconds(120)),
            ("1.5s", .milliseconds(1500)), ("-2s", .seconds(-2)), ("0", .zero), ("1us", .microseconds(1)),
            ("1m0.5s", .milliseconds(60_500)), ("32.056s", .milliseconds(32_056)), (".5h", .seconds(1800)),
            ("1.s", .seconds(1)), ("0.000000000999s", .zero), ("1.0000000000000000000009h", .seconds(3600)),
            ("2562047h47m16.854775807s", .nanoseconds(Int64.max)),
        ])
    func reading(text: String, duration: Duration) throws {
        #expect(try GoDuration.parse(text) == duration)
    }

    @Test(
        "are refused in Go's words",
        arguments: [
            ("soon", "time: invalid duration \"soon\""), ("", "time: invalid duration \"\""),
            ("10", "time: missing unit in duration \"10\""), ("1x", "time: unknown unit \"x\" in duration \"1x\""),
            ("9e9h", "time: unknown unit \"e\" in duration \"9e9h\""), ("s", "time: invalid duration \"s\""),
            ("99999999999h", "time: invalid duration \"99999999999h\""),
            ("1.2.3s", "time: invalid duration \"1.2.3s\""), (".s", "time: invalid duration \".s\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
        ])
    func refusing(text: String, message: String) {
        let failure = #expect(throws: GoDuration.Failure.self) { try GoDuration.parse(text) }
        #expect(failure?.description == message)
    }

    @Test(
        "are written",
        arguments: [
            (Duration.zero, "0s"), (.milliseconds(1500), "1.5s"), (.seconds(60), "1m0s"), (.seconds(3600), "1h0m0s"),
            (.milliseconds(250), "250ms"), (.microseconds(1500), "1.5ms"), (.nanoseconds(7), "7ns"),
            (.seconds(-90), "-1m30s"), (.seconds(86_400), "24h0m0s"),
        ])
    func writing(duration: Duration, text: String) {
        #expect(GoDuration.text(duration) == text)
    }
}
