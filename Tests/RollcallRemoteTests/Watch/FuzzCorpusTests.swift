// SPDX-License-Identifier: Apache-2.0
// Rollcall

import CorpusTesting
import Testing

@Suite("Event streams from the fuzzer", .timeLimit(.minutes(2)))
struct FuzzCorpusTests {
    @Test("what broke it once, and damaged copies of that, break nothing", arguments: [1, 2, 3] as [UInt64])
    func corpus(seed: UInt64) throws {
        try FuzzCorpus.expectNoFault(in: "events", seed: seed, EventsCheck.fault)
    }
}
