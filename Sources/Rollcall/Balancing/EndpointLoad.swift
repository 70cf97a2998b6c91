// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// What calls have taught about one life of an instance: how many are under way, and how long they take. Shared by all
/// lists that the instance is in, and by all threads: every word is an atomic, and there is no lock.
public final class EndpointLoad: Sendable {
    // The two hot words come first. An object of 64 bytes keeps them of one load out of the cache lines of others'.
    private let pendingCount = Atomic<Int>(0)
    /// A ``PeakEWMA`` in 64 bits: the cost in seconds as the bits of a `Float` above, the tick of the stamp below.
    /// Zero is "never measured".
    private let latency = Atomic<UInt64>(0)
    private let sinceNanoseconds: Atomic<Int64>
    private let terms: LatencyTerms
    private let padding: UInt64 = 0

    init(terms: LatencyTerms, since: Instant) {
        self.terms = terms
        sinceNanoseconds = Atomic(since.nanoseconds)
    }

    /// How many calls are under way.
    public var pending: Int { max(0, pendingCount.load(ordering: .relaxed)) }

    /// Since when the instance is worth calling: slow start counts from here. `Instant(nanoseconds: .min)` for one that
    /// was there when the caller began.
    public var since: Instant { Instant(nanoseconds: sinceNanoseconds.load(ordering: .relaxed)) }

    /// The peak-EWMA latency as it is at `now`, in seconds; `nil` when no call has ended yet.
    public func latency(at now: Instant) -> Double? {
        let word = latency.load(ordering: .relaxed)
        return word == 0 ? nil : Double(terms.cost(in: word, at: LatencyTerms.tick(now)))
    }

    /// A call begins.
    @inline(__always)
    public func begin() {
        pendingCount.wrappingAdd(1, ordering: .relaxed)
    }

    /// A call that was begun has ended. To be called exactly once for each ``begin()``.
    ///
    /// A success is a sample of the latency. A failure lifts the cost to the failure penalty at least: an instance that
    /// fails fast must not look fast. A call that the caller gave up can only lift the cost, to the time it had taken.
    public func finish(_ outcome: CallOutcome, latency: Duration, now: Instant) {
        finish(outcome, nanoseconds: latency.wholeNanoseconds, now: now)
    }

    @inline(__always)
    func finish(_ outcome: CallOutcome, nanoseconds: Int64, now: Instant) {
        pendingCount.wrappingSubtract(1, ordering: .relaxed)
        let seconds = max(Float(nanoseconds) * 1e-9, 1e-9)
        let tick = LatencyTerms.tick(now)
        var word = latency.load(ordering: .relaxed)
        while true {
            let next = terms.word(after: outcome, seconds, at: tick, from: word)
            if next == word { return }
            let (exchanged, original) = latency.weakCompareExchange(
                expected: word, desired: next, ordering: .relaxed)
            if exchanged { return }
            word = original
        }
    }

    /// What a further call would have to expect: latency x (pending + 1), in seconds. One that was never measured costs
    /// nothing while it is idle, so that it is tried, and as much as a failed one while it is tried.
    @inline(__always)
    func expectedCost(at tick: UInt32) -> Float {
        let waiting = pendingCount.load(ordering: .relaxed)
        let word = latency.load(ordering: .relaxed)
        guard word != 0 else { return waiting <= 0 ? 0 : terms.penalty * Float(waiting &+ 1) }
        return terms.cost(in: word, at: tick) * Float(max(waiting, 0) &+ 1)
    }

    /// The instance is back after it was not worth calling.
    func restart(at now: Instant) {
        sinceNanoseconds.store(now.nanoseconds, ordering: .relaxed)
    }
}

/// How a ``PeakEWMA`` is kept in one word: time in ticks of 2^22 ns (4.2 ms), cost in single precision. Samples within
/// one tick that do not lift the cost change nothing, so a busy instance's word is written some 240 times a second.
struct LatencyTerms: Sendable, Hashable {
    /// A tick as a part of the decay time, negative.
    let decayPerTick: Float
    /// The cost of a failure in seconds.
    let penalty: Float

    init(decay: Duration, penalty: Duration) {
        precondition(decay > .zero, "a cost cannot decay in no time")
        decayPerTick = Float(-Double(1 << Self.tickBits) / Double(decay.wholeNanoseconds))
        self.penalty = Float(penalty.inSeconds)
    }

    static let tickBits: Int64 = 22

    /// Wraps around after 208 days. A cost that was not touched for 104 days looks as if it were new; the next sample
    /// corrects that.
    @inline(__always)
    static func tick(_ now: Instant) -> UInt32 { UInt32(truncatingIfNeeded: now.nanoseconds >> tickBits) }

    @inline(__always)
    func cost(in word: UInt64, at tick: UInt32) -> Float {
        let cost = Float(bitPattern: UInt32(truncatingIfNeeded: word >> 32))
        let passed = Int32(bitPattern: tick &- UInt32(truncatingIfNeeded: word))
        return passed <= 0 ? cost : cost * exponential(Float(passed) * decayPerTick)
    }

    /// ``PeakEWMA/observe(_:at:)`` or ``PeakEWMA/raise(to:at:)`` on the word.
    @inline(__always)
    func word(after outcome: CallOutcome, _ seconds: Float, at tick: UInt32, from word: UInt64) -> UInt64 {
        let passed = Int32(bitPattern: tick &- UInt32(truncatingIfNeeded: word))
        let cost = Float(bitPattern: UInt32(truncatingIfNeeded: word >> 32))
        let next: Float
        switch outcome {
        case .success:
            if seconds > cost {
                next = seconds
            } else if passed <= 0 {
                return word
            } else {
                let retained = exponential(Float(passed) * decayPerTick)
                next = seconds * (1 - retained) + cost * retained
            }
        case .failure:
            next = max(max(penalty, seconds), self.cost(in: word, at: tick))
        case .cancelled:
            if seconds <= cost && passed <= 0 || word == 0 && seconds < penalty { return word }
            let decayed = self.cost(in: word, at: tick)
            if decayed >= seconds { return word }
            next = seconds
        }
        let stamp = word == 0 || passed > 0 ? tick : UInt32(truncatingIfNeeded: word)
        return UInt64(max(next, .leastNormalMagnitude).bitPattern) << 32 | UInt64(stamp)
    }
}

/// e^`x` for an `x` that is not positive.
@inline(__always)
private func exponential(_ x: Float) -> Float { expf(x) }
