// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall
internal import Synchronization

/// Is told how checks run. Called from many threads; has to be quick.
public protocol CheckRunnerObserver: Sendable {
    /// A round came to `status`, before thresholds, and took `duration`.
    func roundEnded(_ check: CheckDefinition, _ status: HealthCheck.Status, after duration: Duration)
    /// How many checks there are, how many run, and how many are due and wait.
    func levels(checks: Int, running: Int, queued: Int)
}

/// Runs the declared checks of instances: the shell around ``CheckScheduler``. It asks through a probe, and says in
/// ``findings`` what has to be written.
public final class CheckRunner: Sendable {
    fileprivate struct Followed {
        var instance: ServiceInstance
        var handles: [String: CheckHandle] = [:]
    }

    fileprivate struct State {
        var scheduler: CheckScheduler
        var random = SystemRandomNumberGenerator()
        var followed: [InstanceKey: Followed] = [:]
        var names: [CheckHandle: (key: InstanceKey, id: String)] = [:]
        var probes: [CheckAttempt: Task<Void, Never>] = [:]
        var findings: [CheckHandle: CheckFinding] = [:]
        var effects: [CheckEffect] = []
        var armed: (deadline: Instant, sleep: Task<Void, Never>)?
        var isEnded = false
    }

    private let state: Mutex<State>
    private let probe: any HealthProbe
    private let time: TimeSource
    private let observer: (any CheckRunnerObserver)?
    private let signal: AsyncStream<Void>.Continuation
    /// Has an element when ``takeFindings()`` has something to take; ends with the runner. For one consumer.
    public let findings: AsyncStream<Void>

    /// Time is looked at at least so often.
    private static let longestSleep: Duration = .seconds(60)

    /// - Parameters:
    ///   - configuration: Concurrency, jitter and flap damping.
    ///   - probe: Asks the targets.
    ///   - time: The time that rounds are planned by.
    public init(
        configuration: CheckSchedulerConfiguration = CheckSchedulerConfiguration(), probe: any HealthProbe,
        time: TimeSource = .system, observer: (any CheckRunnerObserver)? = nil
    ) {
        state = Mutex(State(scheduler: CheckScheduler(configuration: configuration, now: time.now())))
        self.probe = probe
        self.time = time
        self.observer = observer
        (findings, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: Instances

    /// Runs the checks that `instance` declares, in the place of those that it declared before. Checks that ask the
    /// same in the same life go on with what is known of them.
    public func follow(_ instance: ServiceInstance) {
        let key = instance.key
        mutate { state, now in
            var followed = state.followed[key] ?? Followed(instance: instance)
            let isSameLife = followed.instance.incarnation == instance.incarnation
            let former = followed.instance.registration
            followed.instance = instance
            for (id, handle) in followed.handles {
                let wanted = instance.registration.check(id)
                if isSameLife, let wanted, wanted.kind == former.check(id)?.kind {
                    if wanted != former.check(id) { state.scheduler.update(handle, CheckTerms(wanted), now: now) }
                    if let result = instance.checks.first(where: { $0.id == id }) {
                        state.scheduler.hasWritten(handle, result.status, now: now)
                    }
                } else {
                    state.drop(handle)
                    followed.handles[id] = nil
                }
            }
            for check in instance.registration.checks where followed.handles[check.id] == nil {
                let handle = state.add(check, of: instance, now)
                followed.handles[check.id] = handle
                state.names[handle] = (key, check.id)
            }
            state.followed[key] = followed.handles.isEmpty ? nil : followed
        }
    }

    /// Ends the checks of an instance that is gone.
    public func forget(_ key: InstanceKey) {
        mutate { state, _ in
            for handle in state.followed.removeValue(forKey: key)?.handles.values ?? [:].values { state.drop(handle) }
        }
    }

    /// The instances whose checks run.
    public var followed: [InstanceKey] { state.withLock { Array($0.followed.keys) } }

    /// Takes the report of a `ttl` check, after it was written as far as it changed the status.
    public func reported(_ key: InstanceKey, check id: String, _ result: CheckResult) {
        mutate { state, now in
            guard let handle = state.followed[key]?.handles[id] else { return }
            state.scheduler.reported(handle, result, now: now, into: &state.effects)
        }
    }

    // MARK: Findings

    /// What has to be written now, at most one record and one output a check: the newest.
    public func takeFindings() -> [CheckFinding] {
        state.withLock { state in
            defer { state.findings.removeAll(keepingCapacity: true) }
            return Array(state.findings.values)
        }
    }

    /// A finding could not be written; it comes again with a later result.
    public func writeFailed(_ finding: CheckFinding) {
        let now = time.now()
        state.withLock { $0.scheduler.writeFailed(finding.handle, now: now) }
    }

    // MARK: Time

    /// Lets the checks run until the task is cancelled; then ends the rounds that run.
    public func run() async {
        while !Task.isCancelled {
            let sleep = state.withLock { state -> Task<Void, Never> in
                let latest = time.now() + Self.longestSleep
                let deadline = min(state.scheduler.nextWake ?? latest, latest)
                // Cancelled to be armed anew: the loop looks at the time itself.
                let sleep = Task<Void, Never> { [time] in try? await time.sleep(until: deadline) }
                state.armed = (deadline, sleep)
                return sleep
            }
            await withTaskCancellationHandler {
                await sleep.value
            } onCancel: {
                sleep.cancel()
            }
            if !Task.isCancelled {
                mutate { state, now in
                    state.scheduler.advance(now: now, random: &state.random, into: &state.effects)
                }
            }
        }
        let running = state.withLock { state in
            state.isEnded = true
            return Array(state.probes.values)
        }
        for task in running { task.cancel() }
        for task in running { await task.value }
        signal.finish()
    }

    private func finish(_ attempt: CheckAttempt, _ check: CheckDefinition, _ result: CheckResult, since: Instant) {
        observer?.roundEnded(check, result.status, after: time.now() - since)
        mutate { state, now in
            state.probes[attempt] = nil
            state.scheduler.finished(attempt, result, now: now, random: &state.random, into: &state.effects)
        }
    }

    /// Changes the state and does what the scheduler says then.
    private func mutate(_ change: (inout State, Instant) -> Void) {
        let now = time.now()
        let (hasFindings, levels) = state.withLock { state in
            change(&state, now)
            perform(&state, now)
            if let armed = state.armed, let wake = state.scheduler.nextWake, wake < armed.deadline {
                armed.sleep.cancel()
            }
            let levels = (state.scheduler.count, state.scheduler.running, state.scheduler.queued)
            return (!state.findings.isEmpty, levels)
        }
        observer?.levels(checks: levels.0, running: levels.1, queued: levels.2)
        if hasFindings { signal.yield() }
    }

    private func perform(_ state: inout State, _ now: Instant) {
        for effect in state.effects {
            switch effect {
            case .probe(let attempt): begin(attempt, &state, now)
            case .cancel(let attempt): state.probes[attempt]?.cancel()
            case .record(let handle, let status, let output): state.note(handle, .record(status, output: output))
            case .refresh(let handle, let output): state.note(handle, .refresh(output: output))
            case .deregister(let handle): state.note(handle, .deregister)
            }
        }
        state.effects.removeAll(keepingCapacity: true)
    }

    private func begin(_ attempt: CheckAttempt, _ state: inout State, _ now: Instant) {
        guard !state.isEnded, let name = state.names[attempt.check], let followed = state.followed[name.key],
            let check = followed.instance.registration.check(name.id)
        else { return }
        let instance = followed.instance
        state.probes[attempt] = Task { [self] in
            finish(attempt, check, await probe.probe(check, of: instance), since: now)
        }
    }
}

extension CheckRunner.State {
    fileprivate mutating func add(_ check: CheckDefinition, of instance: ServiceInstance, _ now: Instant) -> CheckHandle
    {
        let known = instance.checks.first { $0.id == check.id }
        let isNew = known.map { $0.status == check.initialStatus && $0.output.isEmpty } ?? true
        return scheduler.add(
            CheckTerms(check), status: known?.status ?? check.initialStatus, isNew: isNew, now: now, random: &random)
    }

    fileprivate mutating func drop(_ handle: CheckHandle) {
        scheduler.remove(handle, into: &effects)
        names[handle] = nil
        findings[handle] = nil
    }

    fileprivate mutating func note(_ handle: CheckHandle, _ action: CheckFinding.Action) {
        guard let name = names[handle], let instance = followed[name.key]?.instance else { return }
        var finding = CheckFinding(
            handle: handle, key: name.key, incarnation: instance.incarnation, checkID: name.id, action: action)
        if let earlier = findings[handle] { finding.action = earlier.action.followed(by: action) }
        findings[handle] = finding
    }
}

/// What has to be written about a check.
public struct CheckFinding: Sendable {
    /// What to tell the registry.
    public enum Action: Sendable, Hashable {
        /// The status has changed, or is known for the first time.
        case record(HealthCheck.Status, output: String)
        /// The status is as it was; the output says something else.
        case refresh(output: String)
        /// It was critical for too long: the instance is to be deregistered.
        case deregister

        fileprivate func followed(by next: Action) -> Action {
            switch (self, next) {
            case (.record(let status, _), .refresh(let output)): .record(status, output: output)
            // Said again while it is true.
            case (_, .deregister), (.deregister, _), (_, .record), (.refresh, .refresh): next
            }
        }
    }

    let handle: CheckHandle
    /// Whose check it is.
    public let key: InstanceKey
    /// The life that was checked: a write should name it.
    public let incarnation: Incarnation
    /// Which of the checks that the instance declares.
    public let checkID: String
    /// Earlier findings that were not taken yet are part of it.
    public fileprivate(set) var action: Action
}
