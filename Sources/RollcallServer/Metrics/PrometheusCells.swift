// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import CoreMetrics
internal import Synchronization

/// A value that many threads add to without a lock.
final class PrometheusCounter: CounterHandler {
    private let cell = Atomic<Int64>(0)

    var value: Int64 { cell.load(ordering: .relaxed) }
    func increment(by amount: Int64) { cell.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { cell.store(0, ordering: .relaxed) }
}

/// A floating point value that many threads change without a lock.
final class PrometheusGauge: FloatingPointCounterHandler, MeterHandler, RecorderHandler {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func decrement(by amount: Double) { increment(by: -amount) }
    func reset() { set(0.0) }

    func increment(by amount: Double) {
        var seen = bits.load(ordering: .relaxed)
        while true {
            let wanted = (Double(bitPattern: seen) + amount).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(
                expected: seen, desired: wanted, ordering: .relaxed)
            if exchanged { return }
            seen = original
        }
    }
}

/// Counts observations by size. A record touches one bucket and the sum; buckets are accumulated when they are read.
final class PrometheusHistogram: TimerHandler, RecorderHandler {
    private final class Cell: Sendable {
        let count = Atomic<UInt64>(0)
    }

    /// Upper bounds, inclusive, ascending; one more bucket takes the rest.
    let bounds: [Double]
    private let scaledBounds: [Double]
    /// What a recorded unit is worth: nanoseconds are shown as seconds.
    private let scale: Double
    private let cells: [Cell]
    private let sum = PrometheusGauge()

    init(bounds: [Double], scale: Double) {
        self.bounds = bounds
        self.scale = scale
        self.scaledBounds = bounds.map { $0 / scale }
        self.cells = (0...bounds.count).map { _ in Cell() }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration)) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        var index = 0
        while index < scaledBounds.count && value > scaledBounds[index] { index += 1 }
        cells[index].count.wrappingAdd(1, ordering: .relaxed)
        sum.increment(by: value)
    }

    /// The number of observations up to each bound, the last for all, and their sum in the shown unit.
    func read() -> (cumulative: [UInt64], sum: Double) {
        var total: UInt64 = 0
        let cumulative = cells.map { cell in
            total += cell.count.load(ordering: .relaxed)
            return total
        }
        return (cumulative, sum.value * scale)
    }
}
