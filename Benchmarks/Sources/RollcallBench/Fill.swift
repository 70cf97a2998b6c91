// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded

/// Fills a folder for `rollcall serve` with instances.
enum Fill {
    /// Registrations that wait together: enough for large transactions.
    private static let concurrent = 4096

    static func run(folder: String, count: Int, ttl: Duration) async throws {
        let registry = try await EmbeddedRegistry.open(path: folder)
        let lease = LeaseTerms(ttl: ttl)
        for start in stride(from: 0, to: count, by: concurrent) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in start ..< min(start + concurrent, count) {
                    group.addTask { _ = try await registry.register(sampleRegistration(number, lease: lease)) }
                }
                try await group.waitForAll()
            }
        }
        await registry.shutdown()
    }
}
