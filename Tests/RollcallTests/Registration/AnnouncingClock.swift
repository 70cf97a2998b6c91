// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting

/// A manual clock that tells when somebody begins to sleep, and until when: a test can then move it on, and knows whom
/// that wakes.
struct AnnouncingClock: Clock {
    let clock: ManualClock
    /// Told the end of each sleep, since the clock was made.
    let announce: @Sendable (Duration) -> Void

    var now: ManualClock.Instant { clock.now }
    var minimumResolution: Duration { clock.minimumResolution }

    func sleep(until deadline: ManualClock.Instant, tolerance: Duration?) async throws {
        announce(deadline.offset)
        try await clock.sleep(until: deadline, tolerance: tolerance)
    }
}
