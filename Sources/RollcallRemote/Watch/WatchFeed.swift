// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import AsyncHTTPClient
internal import Logging
internal import NIOCore
internal import Rollcall
internal import RollcallTransport

/// Runs one watch: does what ``WatchSession`` says, until nobody wants more.
struct WatchFeed: Sendable {
    let mailbox = WatchMailbox()
    private let caller: RemoteCaller
    private let scope: WatchScope
    private let revision: Revision?

    init(_ caller: RemoteCaller, _ scope: WatchScope, from revision: Revision?) {
        self.caller = caller
        self.scope = scope
        self.revision = revision
    }

    func run() async {
        defer { mailbox.finish() }
        guard let path = scope.path else { return await tellNothing() }
        var session = WatchSession(
            scope, from: revision, servers: caller.directory.addresses.count, configuration: caller.configuration)
        var generator = SystemRandomNumberGenerator()
        var event = WatchSession.Event.started
        var failures = 0
        while !Task.isCancelled {
            switch await perform(session.handle(event, now: caller.time.now(), using: &generator)) {
            case .connect(let resuming):
                let retryAfter = await follow(path, resuming, &session, &generator, &failures)
                event = .disconnected(retryAfter: retryAfter, at: caller.time.wallTime())
            case .wait(let instant):
                do { try await caller.time.sleep(until: instant) } catch { return }
                event = .waited
            case .goOn, .disconnect, .end: return
            }
        }
    }

    /// What is left to do after the consumer was told what there is to tell.
    private enum Control {
        case goOn
        case connect(Revision?)
        case disconnect(String)
        case wait(Instant)
        case end
    }

    private func perform(_ actions: [WatchSession.Action]) async -> Control {
        var control = Control.goOn
        for action in actions {
            switch action {
            case .deliver(let event): guard await mailbox.put(event) else { return .end }
            case .connect(let revision): control = .connect(revision)
            case .disconnect(let reason): control = .disconnect(reason)
            case .wait(let instant): control = .wait(instant)
            }
        }
        return control
    }

    /// Reads one connection from its beginning to its end.
    ///
    /// - Returns: The pause that the server advised.
    private func follow(
        _ path: RequestPath, _ revision: Revision?, _ session: inout WatchSession,
        _ generator: inout SystemRandomNumberGenerator, _ failures: inout Int
    ) async -> Duration? {
        let server = caller.directory.selection.preferred
        let address = caller.directory.addresses[server]
        do {
            switch try await caller.transport.stream(path, resuming: revision, from: address) {
            case .refused(let answer):
                caller.directory.failed(server)
                let refusal = Refusal(answer, subject: "watch")
                log("a watch was refused", address, "\(refusal.error)", &failures)
                return answer.retryAdvice
            case .open(let body):
                var parser = EventStreamParser(limit: caller.configuration.eventBytes)
                for try await buffer in body {
                    let now = caller.time.now()
                    let outputs = try parser.read(buffer.readableBytesView)
                    if outputs.isEmpty { continue }
                    failures = 0
                    caller.directory.succeeded(server)
                    let messages = outputs.map { WatchMessage($0, now: now) }
                    let actions = session.handle(.received(messages), now: now, using: &generator)
                    switch await perform(actions) {
                    case .goOn: continue
                    case .disconnect(let reason):
                        caller.directory.failed(server)
                        log("a watch is connected anew", address, reason, &failures)
                        return nil
                    case .connect, .wait, .end: return nil
                    }
                }
                caller.directory.failed(server)
                log("a watch was disconnected", address, "the stream ended", &failures)
            }
        } catch {
            if Task.isCancelled { return nil }
            caller.directory.failed(server)
            log("a watch was disconnected", address, "\(error)", &failures)
        }
        return nil
    }

    /// A watch of no service at all has an empty snapshot and then nothing, without asking a server: to ask for no
    /// service is to ask for all of them.
    private func tellNothing() async {
        let none: [ServiceInstance] = []
        var services: [ServiceSnapshot] = []
        if case .service(let name) = scope {
            services = [ServiceSnapshot(service: name, revision: .zero, instances: none)]
        }
        let snapshot = WatchSnapshot(revision: revision ?? .zero, cause: .initial, services: services)
        if revision == nil { guard await mailbox.put(.snapshot(snapshot)) else { return } }
        try? await caller.time.sleep(until: .distantFuture)
    }

    /// The first failure in a row is news; the others say how it goes on.
    private func log(_ message: Logger.Message, _ address: ServerAddress, _ reason: String, _ failures: inout Int) {
        failures += 1
        caller.logger.log(
            level: failures == 1 ? .info : .debug, message,
            metadata: ["server": "\(address)", "reason": "\(reason)"])
    }
}
