// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import AsyncHTTPClient
public import Logging
public import NIOCore
internal import NIOHTTP1
public import Rollcall
@_exported public import RollcallTransport

/// A registry that a Rollcall server keeps, spoken to over its native API.
///
/// **Servers.** Several addresses are several doors to one registry: they have to share its content and its revisions.
/// The server that answered last is asked first; one that cannot be reached, does not answer in time or answers 503 is
/// passed over for the next. When none answered there is a pause with jitter, until ``RemoteConfiguration/callTimeout``
/// is over.
///
/// **Repetition.** A call whose answer was lost is repeated, because every call means the same when it is made twice:
/// - Registration in the present life, or one that names its incarnation, sets what it sets; so do updates, heartbeats.
/// - Registration with a new life (`life: .new`): the lost attempt may have begun a life of which nobody learned the
///   incarnation. Repeating it begins the next, and that one is the caller's: the lost life is fenced, as a former one
///   has to be. The caller therefore always holds the incarnation that is present. What it costs is one more
///   incarnation, and that a watcher may see two registrations. Should a lost attempt be delayed in a network until
///   after its repetition, the caller's life is the one that is fenced: its next heartbeat says so, and it registers
///   again.
/// - Deregistration: when the repetition finds no such instance, the lost attempt has removed it, and the call
///   succeeds.
///
/// A call that is cancelled, or given up, may have been done all the same.
///
/// Call ``shutdown()`` before the last reference goes: the connections are owned by this object.
public final class RemoteRegistry: Registry {
    let caller: RemoteCaller
    private let feeds: WatchFeeds

    /// - Parameters:
    ///   - addresses: At least one.
    ///   - http: What the HTTP clients have beside what this type sets itself (time-outs, redirects, pool): TLS,
    ///     proxies.
    ///   - time: The time that pauses and deadlines run by.
    public init(
        addresses: [ServerAddress], configuration: RemoteConfiguration = RemoteConfiguration(),
        eventLoopGroup: any EventLoopGroup = HTTPClient.defaultEventLoopGroup,
        http: HTTPClient.Configuration = HTTPClient.Configuration(), time: TimeSource = .system,
        logger: Logger = Logger(label: "rollcall.remote")
    ) {
        let transport = HTTPTransport(configuration: configuration, base: http, group: eventLoopGroup, time: time)
        caller = RemoteCaller(
            directory: ServerDirectory(addresses), transport: transport, configuration: configuration, time: time,
            logger: logger)
        feeds = WatchFeeds()
    }

    /// Ends all watches and closes the connections. Calls that are under way fail, later ones too. Further calls do
    /// nothing.
    public func shutdown() async {
        guard let running = feeds.close() else { return }
        for feed in running { await feed.value }
        do { try await caller.transport.shutdown() } catch {
            caller.logger.warning("connections were not closed in order", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Reading

    public func services() async throws(RegistryError) -> [ServiceSummary] {
        let request = RemoteRequest(subject: "list of services", method: .GET, path: .services)
        return try await call(request) { reader throws(JSONError) in try ServiceSummary.readAll(from: &reader) }
    }

    public func lookup(_ service: ServiceName) async throws(RegistryError) -> ServiceSnapshot {
        guard !service.value.isEmpty else {
            let none: [ServiceInstance] = []
            return ServiceSnapshot(service: service, revision: .zero, instances: none)
        }
        let request = RemoteRequest(subject: "lookup of \(service)", method: .GET, path: .service(service))
        return try await call(request) { reader throws(JSONError) in
            let snapshot = try ServiceSnapshot.read(from: &reader)
            guard snapshot.service == service else {
                throw reader.failure("expected the service \(service), found \(snapshot.service)")
            }
            return snapshot
        }
    }

    public func watch(_ scope: WatchScope, from revision: Revision?) -> Watch {
        Watch { [caller, feeds] in
            let feed = WatchFeed(caller, scope, from: revision)
            return FedWatchSource(feed.mailbox, feeds) { await feed.run() }
        }
    }

    /// Makes a call that is answered with JSON.
    func call<Value: Sendable>(
        _ request: RemoteRequest, _ read: (inout JSONReader) throws(JSONError) -> Value
    ) async throws(RegistryError) -> Value {
        try checkOpen(request.subject)
        return try await caller.call(request) { answer throws(JSONError) in try JSONReader.read(answer.body, read) }
    }

    func checkOpen(_ subject: String) throws(RegistryError) {
        if feeds.isClosed { throw RegistryError(.closed, "\(subject): the connection to the registry was shut down") }
    }
}
