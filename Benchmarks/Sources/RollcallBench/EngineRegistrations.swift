// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallEmbedded

/// Durable registrations through the engine, by writers that each wait for their answer.
enum EngineRegistrations {
    static func run(folder: String, count: Int, writers: Int) async throws {
        let registry = try await EmbeddedRegistry.open(path: folder)
        let share = count / writers
        let clock = ContinuousClock()
        let time = try await clock.measure {
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
        let commits = registry.statistics.commits
        print(
            "\(done) durable registrations by \(writers) writers: \(Int(Double(done) / time.inSeconds))/s, \(commits) commits")
        await registry.shutdown()
    }
}

/// Fills a folder for `rollcall serve` with instances.
enum Fill {
    static func run(folder: String, count: Int) async throws {
        let registry = try await EmbeddedRegistry.open(path: folder)
        for start in stride(from: 0, to: count, by: 4096) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in start ..< min(start + 4096, count) {
                    group.addTask { _ = try await registry.register(sampleRegistration(number)) }
                }
                try await group.waitForAll()
            }
        }
        print("\(registry.catalog.counts.instances) instances of \(registry.catalog.counts.services) services")
        await registry.shutdown()
    }
}
