// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import ArgumentParser
internal import Logging
internal import NIOCore
internal import Rollcall

/// Starts a command and keeps it registered for as long as it serves.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Start a command, and keep it registered while it serves.",
        usage: "rollcall run --service <service> --port <port> [<options>] -- <command> ...",
        discussion: """
            Waits until the port answers (with --health-check: until that URL answers with 2xx), registers, and sends \
            heartbeats. At SIGTERM or SIGINT the instance is drained, then deregistered, then the command is sent \
            SIGTERM; a second signal hurries each step. A registry that is down never ends the command: it is \
            registered when the registry is back.

            The command finds ROLLCALL_SERVICE, ROLLCALL_INSTANCE_ID and PORT in its environment.

            The exit code is the command's (128 plus the number of the signal that ended it), but 124 when it did not \
            become ready in time, 125 when the port was taken already, 126 when the command cannot be executed and \
            127 when there is no such command.
            """)

    @Option(help: "The service that the command is an instance of.")
    var service: String

    @Option(help: "The port that the command listens on.")
    var port: UInt16

    @Option(
        help: """
            The host name or address that callers reach it at. (default: 127.0.0.1 when the registry is on this \
            machine, else it has to be given)
            """)
    var host: String?

    @OptionGroup var registration: RegistrationOptions

    @Option(help: "How long it may take until it answers.")
    var readyTimeout = DurationArgument(RunMachine.Configuration().readyTimeout)

    @Option(help: "How long it goes on serving after it was drained, so that every caller has seen it.")
    var drainWait = DurationArgument(RunMachine.Configuration().drainWait)

    @Option(help: "How long it may take to end after SIGTERM; then SIGKILL follows.")
    var stopTimeout = DurationArgument(RunMachine.Configuration().stopTimeout)

    @Option(
        help: ArgumentHelp(
            "The registry. (default: $ROLLCALL_REGISTRY, or \(RegistryOptions.standardURL))",
            valueName: "url"))
    var registry: String?

    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String] = []

    /// The exit code when rollcall itself could not begin, as timeout(1) has it.
    static let cannotBegin = ExitCode(125)

    func validate() throws {
        guard !command.isEmpty else {
            throw ValidationError("there is no command: rollcall run --service web --port 8080 -- COMMAND ARGUMENT...")
        }
        guard port > 0 else { throw ValidationError("--port 0: the command has to listen on a port that is known") }
    }

    func run() async throws {
        let url = registry ?? EnvironmentVariable.value("ROLLCALL_REGISTRY") ?? RegistryOptions.standardURL
        let registration = try checkedRegistration(url: url)
        let hosts = Self.localHosts(besides: registration.host)
        if await ReadinessProbe.isAnswering(hosts: hosts, port: Int(port)) {
            Terminal.complain("port \(port) answers already: another process listens there; nothing was started")
            throw Self.cannotBegin
        }

        let stops = await StopSignals.stream()
        let logger = Logger(label: "rollcall.run") { _ in TerminalLogHandler(logLevel: .notice) }
        let connection = try await RegistryConnection.openTellingFailure(url, logger: logger)
        let report: @Sendable (String) -> Void = { Terminal.complain($0) }
        let supervisor = RunSupervisor(
            command: command,
            environment: [
                "PORT": String(port), "ROLLCALL_SERVICE": service, "ROLLCALL_INSTANCE_ID": registration.id.value,
            ],
            configuration: .init(
                readyTimeout: readyTimeout.duration, drainWait: drainWait.duration, stopTimeout: stopTimeout.duration),
            readiness: registration.healthCheckURL.map { .http(url: $0) } ?? .tcp(hosts: hosts, port: Int(port)),
            registration: RegistrarRegistration(
                registry: connection.registry, registration: registration, logger: logger, report: report),
            report: report)
        let code: ExitCode
        do {
            code = ExitCode(try await supervisor.run(stops: stops))
        } catch let error as LaunchError {
            Terminal.complain(error.description)
            code = ExitCode(error.code)
        }
        await connection.close()
        throw code
    }

    /// What is going to be registered, checked before anything is started.
    private func checkedRegistration(url: String) throws -> Registration {
        guard let host = host ?? (RegistryConnection.isOnThisMachine(url) ? "127.0.0.1" : nil) else {
            throw ValidationError(
                "the registry \(url) is on another machine: --host has to say where callers reach this one")
        }
        let registration = registration.registration(service: service, host: host, port: port)
        do {
            try registration.validate()
        } catch {
            throw ValidationError(error.description)
        }
        return registration
    }

    /// Where the command may listen: on a loopback address, or on the one that is registered. A name is left out,
    /// because others may answer for it.
    private static func localHosts(besides host: String) -> [String] {
        let loopback = ["127.0.0.1", "::1"]
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return isAddress && !loopback.contains(host) ? loopback + [host] : loopback
    }
}
