// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// Decides what `rollcall run` does with its command and its registration, from the start of the command to the end of
/// both.
///
/// The laws it keeps, whatever happens in whatever order:
/// - a registration begins at most once, and only after the command was ready;
/// - once a registration has begun, it is ended (or given up after a limit) before the command is sent a signal and
///   before the program ends;
/// - it always comes to an end by itself once a stop was asked for or the command has ended;
/// - the exit code is the command's, but for a command that never became ready (`notReadyCode`).
struct RunMachine: Sendable {
    /// The waiting times that a person may choose.
    struct Configuration: Hashable, Sendable {
        /// How long the command may take until it is ready.
        var readyTimeout: Duration = .seconds(60)
        /// How long the command goes on serving after its instance was drained, so that every consumer has seen it.
        var drainWait: Duration = .seconds(5)
        /// How long the command may take to end after SIGTERM.
        var stopTimeout: Duration = .seconds(10)
    }

    /// What happened.
    enum Event: Hashable, Sendable {
        /// The command's port or health URL has answered.
        case ready
        /// The registry has accepted the registration.
        case registered
        /// The registration has been taken back, or had never reached the registry.
        case deregistered
        /// The command has ended.
        case childExited(ChildExit)
        /// SIGTERM or SIGINT has come.
        case stopRequested
        /// The clock may have reached `deadline`.
        case deadlineReached
    }

    /// What the shell has to do, front to back.
    enum Effect: Hashable, Sendable {
        /// Begin to register, and go on until it succeeds; then send heartbeats.
        case register
        /// Tell the registry that the instance is draining. Nothing waits for the answer.
        case drain
        /// Take the registration back and say `.deregistered`.
        case deregister
        /// Wait no longer for the registry: the registration will be ended by its lease.
        case abandonDeregistration
        /// Send SIGTERM to the command.
        case terminateChild
        /// Send SIGKILL to the command.
        case killChild
        /// Tell a person.
        case report(Notice)
        /// End the program with this code. It is the last effect.
        case exit(Int32)
    }

    /// What a person should know that no other effect says.
    enum Notice: Hashable, Sendable {
        case notReady(after: Duration)
        case stillRunning(after: Duration)
        case survivedKill
    }

    /// The exit code when the command did not become ready in time, as timeout(1) has it.
    static let notReadyCode: Int32 = 124
    /// How long a deregistration may take. A registry that is up answers in milliseconds.
    static let deregisterLimit: Duration = .seconds(5)
    /// The same, and the time between SIGTERM and SIGKILL, once a person has asked a second time.
    static let urgentLimit: Duration = .seconds(1)
    /// How long a command may take to end after SIGKILL: only one that hangs in the kernel needs any time.
    static let killLimit: Duration = .seconds(5)

    private enum Phase: Hashable {
        case waiting(until: Instant)
        case serving
        case draining(until: Instant)
        case deregistering(until: Instant, then: Sequel)
        case stopping(until: Instant, limit: Duration)
        case killing(until: Instant)
        case finished
    }

    /// What follows a deregistration.
    private enum Sequel: Hashable {
        case stopChild(within: Duration)
        case exit(Int32)
    }

    private let configuration: Configuration
    private var phase: Phase
    private var isRegistered = false
    private var wasNeverReady = false

    /// The machine of a command that has just been started.
    init(configuration: Configuration, now: Instant) {
        self.configuration = configuration
        self.phase = .waiting(until: now + configuration.readyTimeout)
    }

    /// The instant at which `.deadlineReached` has to be handled, if nothing else happens before.
    var deadline: Instant? {
        switch phase {
        case .waiting(let until), .draining(let until), .deregistering(let until, _), .stopping(let until, _),
            .killing(let until):
            until
        case .serving, .finished: nil
        }
    }

    /// Whether the command's readiness is still of interest.
    var isWaitingForReadiness: Bool {
        if case .waiting = phase { true } else { false }
    }

    /// Takes one event. An event that comes too late to matter (a command that is ready while it is being stopped, an
    /// answer after its limit) is ignored.
    mutating func handle(_ event: Event, now: Instant) -> [Effect] {
        switch event {
        case .ready: ready()
        case .registered: registered()
        case .deregistered: deregistered(now: now)
        case .childExited(let exit): childExited(exit, now: now)
        case .stopRequested: stopRequested(now: now)
        case .deadlineReached: deadlineReached(now: now)
        }
    }

    private mutating func ready() -> [Effect] {
        guard case .waiting = phase else { return [] }
        phase = .serving
        return [.register]
    }

    private mutating func registered() -> [Effect] {
        isRegistered = true
        return []
    }

    private mutating func deregistered(now: Instant) -> [Effect] {
        guard case .deregistering(_, let sequel) = phase else { return [] }
        return follow(sequel, now: now)
    }

    private mutating func childExited(_ exit: ChildExit, now: Instant) -> [Effect] {
        switch phase {
        case .waiting:
            return finish(exit.code)
        case .serving, .draining:
            return deregister(within: Self.deregisterLimit, then: .exit(exit.code), now: now)
        case .deregistering(let until, .stopChild):
            phase = .deregistering(until: until, then: .exit(exit.code))
            return []
        case .stopping, .killing:
            return finish(wasNeverReady ? Self.notReadyCode : exit.code)
        case .deregistering(_, .exit), .finished:
            return []  // A command ends once.
        }
    }

    private mutating func stopRequested(now: Instant) -> [Effect] {
        switch phase {
        case .waiting:
            return stopChild(within: configuration.stopTimeout, now: now)
        case .serving where isRegistered && configuration.drainWait > .zero:
            phase = .draining(until: now + configuration.drainWait)
            return [.drain]
        case .serving:
            let sequel = Sequel.stopChild(within: configuration.stopTimeout)
            return deregister(within: Self.deregisterLimit, then: sequel, now: now)
        case .draining:
            return deregister(within: Self.urgentLimit, then: .stopChild(within: urgentStopTimeout), now: now)
        case .deregistering(let until, let sequel):
            let urgent: Sequel = if case .exit = sequel { sequel } else { .stopChild(within: urgentStopTimeout) }
            phase = .deregistering(until: min(until, now + Self.urgentLimit), then: urgent)
            return []
        case .stopping:
            return killChild(now: now)
        case .killing, .finished:
            return []
        }
    }

    private mutating func deadlineReached(now: Instant) -> [Effect] {
        guard let deadline, deadline <= now else { return [] }
        switch phase {
        case .waiting:
            wasNeverReady = true
            let notice = Effect.report(.notReady(after: configuration.readyTimeout))
            return [notice] + stopChild(within: configuration.stopTimeout, now: now)
        case .draining:
            let sequel = Sequel.stopChild(within: configuration.stopTimeout)
            return deregister(within: Self.deregisterLimit, then: sequel, now: now)
        case .deregistering(_, let sequel):
            return [.abandonDeregistration] + follow(sequel, now: now)
        case .stopping(_, let limit):
            return [.report(.stillRunning(after: limit))] + killChild(now: now)
        case .killing:
            let code = wasNeverReady ? Self.notReadyCode : ChildExit.signalled(9).code
            return [.report(.survivedKill)] + finish(code)
        case .serving, .finished:
            return []
        }
    }

    private var urgentStopTimeout: Duration { min(configuration.stopTimeout, Self.urgentLimit) }

    private mutating func deregister(within limit: Duration, then sequel: Sequel, now: Instant) -> [Effect] {
        phase = .deregistering(until: now + limit, then: sequel)
        return [.deregister]
    }

    private mutating func follow(_ sequel: Sequel, now: Instant) -> [Effect] {
        switch sequel {
        case .stopChild(let limit): stopChild(within: limit, now: now)
        case .exit(let code): finish(code)
        }
    }

    private mutating func stopChild(within limit: Duration, now: Instant) -> [Effect] {
        phase = .stopping(until: now + limit, limit: limit)
        return [.terminateChild]
    }

    private mutating func killChild(now: Instant) -> [Effect] {
        phase = .killing(until: now + Self.killLimit)
        return [.killChild]
    }

    private mutating func finish(_ code: Int32) -> [Effect] {
        phase = .finished
        return [.exit(code)]
    }
}
