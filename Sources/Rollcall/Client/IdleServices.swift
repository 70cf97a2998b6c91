// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// Decides which services a client has not used for so long that it follows them no more. A value without clock.
///
/// A use leaves a mark and no time, so that a call need not read a clock for this; the marks are collected every so
/// often, and a service counts as used when its mark was collected. One that is left is let go when ``limit`` has
/// passed since, which is one ``interval`` later at most than to the point.
struct IdleServices: Sendable {
    /// How long a service stays that nobody uses.
    let limit: Duration
    private var usedAt: [ServiceName: Instant] = [:]

    init(limit: Duration) {
        self.limit = limit
    }

    /// How often marks are to be collected: four times within the limit. Rounded up, or the fourth time would come a
    /// moment too early and all would wait for a fifth. The lower bound keeps a limit of next to nothing from taking a
    /// processor.
    var interval: Duration { max(limit / 4 + .nanoseconds(1), .milliseconds(10)) }

    /// Takes the marks that were left since the last time.
    ///
    /// - Parameters:
    ///   - services: All that are followed. Those that were not among them the last time count as used.
    ///   - wasUsed: Whether a service has been used since, or is being used.
    /// - Returns: Those to let go. They are forgotten here.
    mutating func collect(
        _ services: some Sequence<ServiceName>, now: Instant, wasUsed: (ServiceName) -> Bool
    ) -> [ServiceName] {
        var kept: [ServiceName: Instant] = [:]
        var idle: [ServiceName] = []
        for service in services {
            // Asked in any case: asking takes the mark.
            let isUsed = wasUsed(service)
            if let last = usedAt[service], !isUsed {
                if last + limit <= now { idle.append(service) } else { kept[service] = last }
            } else {
                kept[service] = now
            }
        }
        usedAt = kept
        return idle
    }
}
