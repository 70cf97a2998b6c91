// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded

/// Durable registrations through the engine, by writers that each wait for their answer.
///
/// Prints the registrations a second, and how many transactions made them durable.
enum EngineRegistrations {
    static func run(folder: String, count: Int, writers: Int) async throws {
        let registry = try await EmbeddedRegistry.open(path: folder)
        let share = count / writers
        let time = try await ContinuousClock().measure {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0 ..< writers {
                    group.addTask {
                        for number in writer * share ..< (writer + 1) * share {
                            try await registry.register(sampleRegistration(number))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let done = share * writers
        guard registry.catalog.counts.instances == done else {
            fatalError("\(done) registrations were acknowledged, \(registry.catalog.counts.instances) instances are there")
        }
        print(Int(Double(done) * 1e9 / Double(time.wholeNanoseconds)), registry.statistics.commits)
        await registry.shutdown()
    }
}
