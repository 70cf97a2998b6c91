// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// What one round of a check came to.
public struct CheckResult: Sendable, Hashable {
    /// What the round says of the target, before thresholds and damping.
    public var status: HealthCheck.Status
    /// What the target said, or exactly what went wrong.
    public var output: String

    /// A result with its output.
    public init(_ status: HealthCheck.Status, _ output: String) {
        self.status = status
        self.output = output
    }
}

/// Makes a status of the results of one check: thresholds, then flap damping. It says what has to be written, which is
/// transitions, and seldom an output.
///
/// **Thresholds**: the status turns critical after `failureThreshold` critical results in a row, and is good again
/// after `successThreshold` others; the very first result, when it is good, is believed at once, so that a new instance
/// need not wait (as Envoy's). Between passing and warning there is no threshold.
///
/// **Damping**: a status that changed too often within a time is not believed when it gets better. The worst that was
/// seen is held until the changes have become old, and the output says so.
struct CheckJudge: Sendable {
    enum Verdict: Hashable, Sendable {
        case nothing
        /// The status changed.
        case record(HealthCheck.Status, String)
        /// Only the output is to be replaced.
        case refresh(String)
    }

    struct Rules: Sendable, Hashable {
        var flaps = FlapConfiguration()
        var outputBytes = ModelLimits.standard.checkOutputBytes
        /// Between two writes of an output whose status stayed.
        var outputInterval: Duration = .seconds(300)
    }

    var successThreshold: Int
    var failureThreshold: Int
    /// The status as it was last said to be written.
    private(set) var status: HealthCheck.Status
    /// The status by thresholds alone.
    private var observed: HealthCheck.Status
    private var successes = 0
    private var failures = 0
    private var isFirst: Bool
    private var flaps = FlapMemory()
    /// Of the output as it was last said to be written: the text itself is kept by the registry.
    private var writtenHash: Int?
    private var writtenAt: Instant?
    private var mustWrite = false

    /// - Parameter isFirst: Whether there was no result yet.
    init(successThreshold: Int, failureThreshold: Int, status: HealthCheck.Status, isFirst: Bool) {
        self.successThreshold = successThreshold
        self.failureThreshold = failureThreshold
        self.status = status
        self.isFirst = isFirst
        observed = status
    }

    /// Takes the result of a round.
    mutating func judge(_ result: CheckResult, at now: Instant, _ rules: Rules) -> Verdict {
        let wasFlapping = flaps.isFlapping
        flaps.settle(at: now, rules.flaps)
        count(result.status)
        let next = threshold(result.status)
        isFirst = false
        if next != observed {
            flaps.note(from: observed, at: now, rules.flaps)
            observed = next
        }
        let held = flaps.isFlapping ? max(observed, flaps.worst) : observed
        let output = truncated(reason(held, rules) + result.output, bytes: rules.outputBytes)
        if held != status || mustWrite { return record(held, output, now) }
        // A result that has not reached its threshold does not explain the status that stays.
        guard result.status == observed || flaps.isFlapping else { return .nothing }
        return refresh(output, now, rules, atOnce: flaps.isFlapping != wasFlapping)
    }

    /// Takes a result that somebody reported, and has written already when it changed the status.
    mutating func reported(_ result: CheckResult, at now: Instant, _ rules: Rules) -> Verdict {
        isFirst = false
        let output = truncated(result.output, bytes: rules.outputBytes)
        guard result.status == status, !mustWrite else {
            (status, observed, mustWrite) = (result.status, result.status, false)
            (writtenHash, writtenAt) = (output.hashValue, now)
            return .nothing
        }
        return refresh(output, now, rules, atOnce: false)
    }

    /// Nothing was reported in time.
    mutating func expired(_ output: String, at now: Instant) -> Verdict {
        observed = .critical
        return status == .critical && !mustWrite ? .nothing : record(.critical, output, now)
    }

    /// The registry has this status: a result that comes to another one is said to be written.
    mutating func hasWritten(_ status: HealthCheck.Status) { self.status = status }

    /// The last status could not be written: it is said again with the next result.
    mutating func writeFailed() { mustWrite = true }

    private mutating func count(_ status: HealthCheck.Status) {
        if status == .critical {
            (successes, failures) = (0, failures + 1)
        } else {
            (successes, failures) = (successes + 1, 0)
        }
    }

    private func threshold(_ result: HealthCheck.Status) -> HealthCheck.Status {
        if result == .critical { return failures >= failureThreshold ? .critical : observed }
        return observed != .critical || isFirst || successes >= successThreshold ? result : observed
    }

    private func reason(_ held: HealthCheck.Status, _ rules: Rules) -> String {
        guard flaps.isFlapping else { return "" }
        return "flapping: \(flaps.count) changes in \(rules.flaps.window.spoken), held \(held.rawValue); "
            + "now \(observed.rawValue): "
    }

    private mutating func record(_ status: HealthCheck.Status, _ output: String, _ now: Instant) -> Verdict {
        (self.status, mustWrite) = (status, false)
        (writtenHash, writtenAt) = (output.hashValue, now)
        return .record(status, output)
    }

    private mutating func refresh(_ output: String, _ now: Instant, _ rules: Rules, atOnce: Bool) -> Verdict {
        guard output.hashValue != writtenHash else { return .nothing }
        let isDue = writtenAt.map { now - $0 >= rules.outputInterval } ?? true
        guard isDue || atOnce else { return .nothing }
        (writtenHash, writtenAt) = (output.hashValue, now)
        return .refresh(output)
    }
}

extension Duration {
    /// `5 min`, `90 s` or `250 ms`: for outputs of checks.
    public var spoken: String {
        let milliseconds = wholeMilliseconds
        if milliseconds % 60_000 == 0, milliseconds > 0 { return "\(milliseconds / 60_000) min" }
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}
