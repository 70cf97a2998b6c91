// SPDX-License-Identifier: Apache-2.0
// Rollcall

import RollcallTesting
import Testing

@testable import Rollcall

@Suite("The services that nobody uses")
struct IdleServicesTests {
    @Test("are let go when the limit has passed since the last mark was collected")
    func limit() {
        var idle = IdleServices(limit: .seconds(100))
        var marks: Set<ServiceName> = []
        func collect(at seconds: Int64) -> [ServiceName] {
            idle.collect(["a", "b"], now: .zero + .seconds(seconds)) { marks.remove($0) != nil }
        }
        #expect(collect(at: 0) == [])
        marks = ["b"]
        #expect(collect(at: 25) == [])
        #expect(collect(at: 99) == [])
        #expect(collect(at: 100) == ["a"])
        // It was forgotten, so it begins anew.
        #expect(collect(at: 124) == [])
        #expect(collect(at: 125) == ["b"])
        #expect(collect(at: 224) == ["a"])
    }

    @Test("are asked about each time, so that no old mark is taken for a new one")
    func marks() {
        var idle = IdleServices(limit: .seconds(100))
        var asked: [ServiceName] = []
        for time in [0, 1, 200] as [Int64] {
            _ = idle.collect(["a"], now: .zero + .seconds(time)) {
                asked.append($0)
                return true
            }
        }
        #expect(asked == ["a", "a", "a"])
    }

    @Test("are let go neither before the limit nor more than an interval after it", arguments: 0 ..< 20 as Range<UInt64>)
    func bounds(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var idle = IdleServices(limit: .seconds(.random(in: 4 ... 400, using: &random)))
        let names = (0 ..< 20).map { ServiceName("service-\($0)") }
        var usedAt: [ServiceName: Instant] = [:]
        var marks: Set<ServiceName> = []
        var now = Instant.zero
        var count = 0
        for _ in 0 ..< 300 {
            let next = now + idle.interval
            for name in names where Int.random(in: 0 ..< 10, using: &random) == 0 {
                let time = now + idle.interval * Double.random(in: 0 ... 1, using: &random)
                usedAt[name] = max(time, usedAt[name] ?? time)
                marks.insert(name)
            }
            now = next
            for name in idle.collect(usedAt.keys, now: now, wasUsed: { marks.remove($0) != nil }) {
                let unused = now - (try #require(usedAt[name]))
                usedAt[name] = nil
                #expect(unused >= idle.limit, "seed \(seed)")
                #expect(unused <= idle.interval * 5, "seed \(seed)")
                count += 1
            }
            for (name, time) in usedAt { #expect(now - time < idle.interval * 5, "\(name), seed \(seed)") }
        }
        #expect(count > 0, "seed \(seed)")
    }
}
