// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Testing

@testable import RollcallCLI

@Suite("DurationText")
struct DurationTextTests {
    @Test(
        "reads what people write",
        arguments: [
            ("30s", Duration.seconds(30)), ("500ms", .milliseconds(500)), ("1m30s", .seconds(90)),
            ("2h", .seconds(7200)),
            ("0", .zero), ("0s", .zero), ("1.5s", .milliseconds(1500)), ("0.25ms", .microseconds(250)),
            ("7us", .microseconds(7)),
            ("1h0m1ns", .seconds(3600) + .nanoseconds(1)), ("1.0000000000s", .seconds(1)), ("90s", .seconds(90)),
        ])
    func reads(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
    }

    @Test(
        "refuses what is no duration",
        arguments: [
            "", "30", "s", "-1s", "+1s", "1 s", " 1s", "1S", "1d", "30s1m", "1s1s", "1.s", ".5s", "1..5s", "0.1ns",
            "1e3s",
            "99999999999999999999s", "9223372036855s", "2562047h9999999999s", "١s",
        ])
    func refuses(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        "writes the shortest form",
        arguments: [
            (Duration.seconds(30), "30s"), (.milliseconds(1500), "1s500ms"), (.seconds(90), "1m30s"), (.zero, "0s"),
            (.seconds(7200), "2h"), (.seconds(-5), "-5s"), (.nanoseconds(1), "1ns"),
        ])
    func writes(duration: Duration, text: String) {
        #expect(DurationText.format(duration) == text)
    }

    @Test("reads back what it has written")
    func roundTrip() {
        var nanoseconds: Int64 = 1
        while nanoseconds < .max / 7 {
            let duration = Duration.nanoseconds(nanoseconds)
            #expect(DurationText.parse(DurationText.format(duration)) == duration)
            nanoseconds = nanoseconds * 7 + 3
        }
    }
}
