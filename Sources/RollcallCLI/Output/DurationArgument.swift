// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser

/// A duration on the command line: `30s`, `500ms`, `1m30s`, `2h`. Never negative.
struct DurationArgument: ExpressibleByArgument, Hashable, Sendable {
    let duration: Duration

    init(_ duration: Duration) {
        self.duration = duration
    }

    init?(argument: String) {
        guard let duration = DurationText.parse(argument) else { return nil }
        self.duration = duration
    }

    var defaultValueDescription: String { duration.brief }
}
