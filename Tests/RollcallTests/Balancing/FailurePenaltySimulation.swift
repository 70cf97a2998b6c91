// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallTesting
import Testing

/// Requests at random moments to ten endpoints, in virtual time: each serves eight at once, the others wait.
private struct Simulation {
    /// How an endpoint behaves.
    enum Behaviour {
        case steady
        case tenTimesSlower
        case failsInAMillisecond
    }

    /// What was seen after the first fifth.
    struct Result {
        var picks = 0
        var picksOfFirst = 0
        var failures = 0
        var latencies: [Double] = []
        var shareOfFirst: Double { Double(picksOfFirst) / Double(picks) }
        var failureShare: Double { Double(failures) / Double(picks) }
        var p99: Double { latencies.sorted()[latencies.count * 99 / 100] }
    }

    let behaviour: Behaviour
    let upstream: Upstream
    var random: SeededGenerator

    private static let slots = 8
    private static let service = 0.05
    /// Half of what ten endpoints with eight slots can do.
    private static let rate = 0.5 * 80 / service
    private static let seconds = 60.0

    init(_ balancer: any LoadBalancer, _ behaviour: Behaviour, penalty: Duration, seed: UInt64) {
        self.behaviour = behaviour
        upstream = Upstream.of(
            instances(10), balancer, seed: seed, configuration: UpstreamConfiguration(failurePenalty: penalty))
        random = SeededGenerator(seed: seed)
    }

    private struct Ending {
        var time: Double
        var pick: Pick
        var isFailure: Bool
        var isCounted: Bool
    }

    private mutating func exponential(_ mean: Double) -> Double {
        -mean * Double.logarithm(1 - Double.random(in: 0 ..< 1, using: &random))
    }

    mutating func run() -> Result {
        var result = Result()
        var endings = EventQueue<Ending>()
        // When each slot of each endpoint is free again.
        var free = Array(repeating: Array(repeating: 0.0, count: Self.slots), count: 10)
        var now = 0.0
        while now < Self.seconds {
            now += exponential(1 / Self.rate)
            while let ending = endings.next(before: now, by: \.time) { end(ending, &result) }
            guard let pick = upstream.pick(PickRequest(now: .seconds(now))) else { continue }
            let number = Int(pick.endpoint.id.value)!
            let isFailure = number == 0 && behaviour == .failsInAMillisecond
            let work = isFailure ? 0.001
                : exponential(Self.service) * (number == 0 && behaviour == .tenTimesSlower ? 10 : 1)
            let slot = free[number].indices.min { free[number][$0] < free[number][$1] }!
            free[number][slot] = max(now, free[number][slot]) + work
            let isCounted = now > Self.seconds / 5
            if isCounted {
                result.picks += 1
                if number == 0 { result.picksOfFirst += 1 }
            }
            endings.add(
                Ending(time: free[number][slot], pick: pick, isFailure: isFailure, isCounted: isCounted), by: \.time)
        }
        while let ending = endings.next(before: .infinity, by: \.time) { end(ending, &result) }
        return result
    }

    private func end(_ ending: Ending, _ result: inout Result) {
        ending.pick.finish(ending.isFailure ? .failure(.serverError) : .success, now: .seconds(ending.time))
        guard ending.isCounted else { return }
        if ending.isFailure { result.failures += 1 }
        result.latencies.append(ending.time - Double(ending.pick.startedAt.nanoseconds) / 1e9)
    }
}

/// A binary heap of events, the earliest first.
private struct EventQueue<Event> {
    private var heap: [Event] = []

    mutating func add(_ event: Event, by time: KeyPath<Event, Double>) {
        heap.append(event)
        var child = heap.count - 1
        while child > 0, heap[child][keyPath: time] < heap[(child - 1) / 2][keyPath: time] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next(before end: Double, by time: KeyPath<Event, Double>) -> Event? {
        guard let first = heap.first, first[keyPath: time] < end else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let children = [2 * parent + 1, 2 * parent + 2].filter { $0 < heap.count }
            guard let child = children.min(by: { heap[$0][keyPath: time] < heap[$1][keyPath: time] }),
                heap[child][keyPath: time] < heap[parent][keyPath: time]
            else { return first }
            heap.swapAt(parent, child)
            parent = child
        }
    }
}

extension Double {
    /// The natural logarithm of a number from 0 to 1, by halving: exact enough for drawing times.
    fileprivate static func logarithm(_ value: Double) -> Double {
        let exponent = Double(value.exponent)
        let part = (value.significand - 1) / (value.significand + 1)
        var (term, sum) = (part, 0.0)
        for power in stride(from: 1.0, to: 30, by: 2) {
            sum += term / power
            term *= part * part
        }
        return exponent * 0.693_147_180_559_945_3 + 2 * sum
    }
}

@Suite("The failure penalty")
struct FailurePenaltySimulationTests {
    private static func run(
        _ balancer: any LoadBalancer, _ behaviour: Simulation.Behaviour, penalty: Duration = .seconds(5), seed: UInt64
    ) -> Simulation.Result {
        var simulation = Simulation(balancer, behaviour, penalty: penalty, seed: seed)
        let result = simulation.run()
        let pending = simulation.upstream.known.map(\.load.pending)
        #expect(pending == Array(repeating: 0, count: 10), "seed \(seed)")
        return result
    }

    @Test("without it an instance that fails fast attracts traffic, with it not", arguments: [1, 2, 3] as [UInt64])
    func failsFast(seed: UInt64) {
        let without = Self.run(PowerOfTwoBalancer(), .failsInAMillisecond, penalty: .zero, seed: seed)
        let with = Self.run(PowerOfTwoBalancer(), .failsInAMillisecond, seed: seed)
        let roundRobin = Self.run(RoundRobinBalancer(), .failsInAMillisecond, seed: seed)
        let pending = Self.run(PowerOfTwoBalancer(by: .pending), .failsInAMillisecond, seed: seed)

        #expect(abs(roundRobin.failureShare - 0.1) < 0.001, "seed \(seed): its share")
        // Two different ones are compared, so it is in 2 of 10 pairs and wins all of them.
        #expect(abs(without.failureShare - 0.2) < 0.01, "seed \(seed): \(without.failureShare)")
        #expect(abs(pending.failureShare - 0.2) < 0.02, "seed \(seed): \(pending.failureShare)")
        #expect(with.failureShare < 0.005, "seed \(seed): \(with.failureShare)")
        #expect(with.failures > 0, "seed \(seed): it is asked again now and then")
    }

    @Test("an instance that is ten times slower gets little, and latency stays", arguments: [1, 2] as [UInt64])
    func slow(seed: UInt64) {
        let result = Self.run(PowerOfTwoBalancer(), .tenTimesSlower, seed: seed)
        #expect(result.shareOfFirst < 0.02, "seed \(seed): \(result.shareOfFirst)")
        #expect(result.p99 < 0.4, "seed \(seed): \(result.p99)")
    }

    @Test("equal instances get equal shares", arguments: [1, 2] as [UInt64])
    func equal(seed: UInt64) {
        let result = Self.run(PowerOfTwoBalancer(), .steady, seed: seed)
        #expect(abs(result.shareOfFirst - 0.1) < 0.02, "seed \(seed): \(result.shareOfFirst)")
        #expect(result.p99 < 0.3, "seed \(seed): \(result.p99)")
    }
}
