// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import Rollcall

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#elseif canImport(Darwin)
internal import Darwin
#endif

/// Runs one command under `RunMachine`: turns what happens to the command, the registration, the clock and the signals
/// into the machine's events, and carries out its effects.
struct RunSupervisor: Sendable {
    /// The program and its arguments; not empty.
    let command: [String]
    /// Variables that the command gets besides those of this process.
    let environment: [String: String]
    let configuration: RunMachine.Configuration
    let readiness: ReadinessProbe
    let registration: any RunRegistration
    /// Tells a person one line.
    let report: @Sendable (String) -> Void
    var time: TimeSource = .system

    /// Starts the command and returns when it has ended and its registration was taken back.
    ///
    /// - Parameter stops: An element for each SIGTERM or SIGINT.
    /// - Returns: The code to exit with.
    /// - Throws: `LaunchError` when the command could not be started; nothing was registered then.
    func run(stops: some AsyncSequence<Void, Never> & Sendable) async throws -> Int32 {
        // Not bounded by a number, but by what fills it: one end of the command, one readiness, a deadline at a time,
        // the answers of the registration and the signals that a person sends.
        let (events, source) = AsyncStream.makeStream(of: RunMachine.Event.self)
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.clientConfiguration)
        let stopTask = Task { for await _ in stops { source.yield(.stopRequested) } }
        defer { stopTask.cancel() }

        let child: ChildProcess
        do {
            child = try await ChildProcess.start(command, environment: environment) { source.yield(.childExited($0)) }
        } catch {
            try? await client.shutdown()
            throw error
        }
        report("started \(command[0]) as process \(child.id)")
        let code = await supervise(child, events: events, source: source, client: client)
        try? await client.shutdown()
        return code
    }

    private func supervise(
        _ child: ChildProcess, events: AsyncStream<RunMachine.Event>,
        source: AsyncStream<RunMachine.Event>.Continuation, client: HTTPClient
    ) async -> Int32 {
        var machine = RunMachine(configuration: configuration, now: time.now())
        let probe = Task { if await readiness.untilReady(client: client) { source.yield(.ready) } }
        var alarm = Alarm(time: time, source: source)
        var draining: Task<Void, Never>?
        var deregistration: Task<Void, Never>?
        var code: Int32 = 0
        alarm.set(machine.deadline)

        for await event in events {
            for effect in machine.handle(event, now: time.now()) {
                switch effect {
                case .register:
                    report("it answers; registering")
                    await registration.start { source.yield(.registered) }
                case .drain:
                    report("draining; waiting \(configuration.drainWait.brief)")
                    draining = Task { await registration.drain() }
                case .deregister:
                    report("deregistering")
                    draining?.cancel()
                    deregistration = Task { [draining] in
                        // One after the other, so that the registry cannot be told in the wrong order.
                        await draining?.value
                        await registration.deregister()
                        source.yield(.deregistered)
                    }
                case .abandonDeregistration:
                    report("the registry has not answered; the lease will end the registration")
                    deregistration?.cancel()
                case .terminateChild:
                    child.send(SIGTERM)
                case .killChild:
                    child.send(SIGKILL)
                case .report(let notice):
                    report(text(of: notice))
                case .exit(let exitCode):
                    code = exitCode
                    source.finish()
                }
            }
            if !machine.isWaitingForReadiness { probe.cancel() }
            alarm.set(machine.deadline)
        }
        probe.cancel()
        await probe.value  // It holds the HTTP client.
        return code
    }

    private func text(of notice: RunMachine.Notice) -> String {
        switch notice {
        case .notReady(let limit): "it was not ready after \(limit.brief); stopping it"
        case .stillRunning(let limit): "it has not ended \(limit.brief) after SIGTERM; sending SIGKILL"
        case .survivedKill: "it has not ended after SIGKILL; leaving it"
        }
    }

    private static var clientConfiguration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        // A refused connection is an answer: "not yet".
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }
}

/// Says `.deadlineReached` at the last deadline it was set to.
private struct Alarm {
    let time: TimeSource
    let source: AsyncStream<RunMachine.Event>.Continuation
    private var deadline: Instant?
    private var task: Task<Void, Never>?

    init(time: TimeSource, source: AsyncStream<RunMachine.Event>.Continuation) {
        self.time = time
        self.source = source
    }

    mutating func set(_ new: Instant?) {
        guard new != deadline else { return }
        deadline = new
        task?.cancel()
        task = new.map { instant in
            Task { [time, source] in
                guard (try? await time.sleep(until: instant)) != nil else { return }
                source.yield(.deadlineReached)
            }
        }
    }
}
