// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import AsyncHTTPClient
public import Logging
public import NIOCore
public import Rollcall
@_exported public import RollcallTransport

/// A registry that Consul keeps.
///
/// Registrations are made at an agent, as Consul wants it: by its HTTP API, with a TTL check for the lease. What Consul
/// has no place for is carried in the metadata of the service, so that what is read is what was registered. Others see
/// ordinary services with ordinary checks; services that others registered are seen here.
///
/// **Agents.** Several addresses are several agents of one datacenter. Look-ups ask the one that answered last first,
/// and another when that fails. A registration stays with the agent that took it: heartbeats, updates and the
/// deregistration go there, as Consul has no other way. When that agent cannot be reached, registering again makes the
/// next one take it; what the lost agent knew expires there.
///
/// **What Consul cannot do.** Writes of a former life are told apart by reading before writing, so two processes that
/// write in the same moment may both succeed; heartbeats are exact. Consul evicts one by one, without a brake for mass
/// silence, and after a minute of silence at the earliest. Watches cannot resume. Consul does not know when something
/// happened.
///
/// Call ``shutdown()`` before the last reference goes: the connections are owned by this object.
public final class ConsulRegistry: Registry {
    let caller: ConsulCaller
    let agents = AgentDirectory()
    private let feeds = WatchFeeds()

    /// - Parameters:
    ///   - addresses: Agents; at least one.
    ///   - http: What the HTTP clients have beside what this type sets itself (time-outs, redirects, pool): TLS,
    ///     proxies.
    ///   - time: The time that pauses and deadlines run by.
    public init(
        addresses: [ServerAddress], configuration: ConsulRegistryConfiguration = ConsulRegistryConfiguration(),
        eventLoopGroup: any EventLoopGroup = HTTPClient.defaultEventLoopGroup,
        http: HTTPClient.Configuration = HTTPClient.Configuration(), time: TimeSource = .system,
        logger: Logger = Logger(label: "rollcall.consul")
    ) {
        let transport = ConsulTransport(configuration: configuration, base: http, group: eventLoopGroup, time: time)
        caller = ConsulCaller(
            directory: ServerDirectory(addresses), transport: transport, configuration: configuration, time: time,
            logger: logger)
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

    func checkOpen(_ subject: String) throws(RegistryError) {
        if feeds.isClosed { throw RegistryError(.closed, "\(subject): the connection to the registry was shut down") }
    }

    // MARK: Reading

    /// The services, without `consul`, which is Consul itself. Their instances are counted by looking each service up.
    public func services() async throws(RegistryError) -> [ServiceSummary] {
        let subject = "list of services"
        try checkOpen(subject)
        let path = caller.configuration.adding(to: .consul("catalog", "services"))
        let answer = try await caller.call(ConsulRequest(subject: subject, path: path))
        let names: [String]
        do throws(JSONError) {
            names = Array(try ConsulCatalog.services(answer.reply.body).keys)
        } catch {
            throw caller.nonsense(subject, answer.server, error)
        }
        let results = await inParallel(Set(names.map { ServiceName($0) })) { name in
            let spellings = names.filter { ServiceName($0) == name }
            do throws(RegistryError) {
                return Result<ServiceSnapshot, RegistryError>.success(
                    try await self.listing(spellings, subject).snapshot(of: name))
            } catch {
                return .failure(error)
            }
        }
        var summaries: [ServiceSummary] = []
        for result in results {
            let snapshot = try result.get()
            if !snapshot.isEmpty { summaries.append(snapshot.summary) }
        }
        return summaries.sorted { $0.service < $1.service }
    }

    public func lookup(_ service: ServiceName) async throws(RegistryError) -> ServiceSnapshot {
        let subject = "lookup of \(service)"
        try checkOpen(subject)
        guard !service.value.isEmpty else {
            let none: [ServiceInstance] = []
            return ServiceSnapshot(service: service, revision: .zero, instances: none)
        }
        return try await listing(ConsulNaming.spellings(of: service), subject).snapshot(of: service)
    }

    public func watch(_ scope: WatchScope, from revision: Revision?) -> Watch {
        Watch { [caller, feeds] in
            let feed = ConsulWatchFeed(caller, scope, from: revision)
            return FedWatchSource(feed.mailbox, feeds) { await feed.run() }
        }
    }

    /// What Consul has under these names.
    ///
    /// - Parameter filter: Which of it is wanted; `nil` is all.
    func listing(
        _ names: [String], _ subject: String, filter: String? = nil
    ) async throws(RegistryError) -> ConsulListing {
        var listing = ConsulListing()
        for name in names {
            var path = caller.configuration.adding(to: .consul("health", "service", name))
            if let filter { path = path.adding(query: "filter", filter) }
            let answer = try await caller.call(ConsulRequest(subject: subject, path: path))
            do throws(JSONError) {
                let entries = try JSONReader.read(answer.reply.body) { reader throws(JSONError) in
                    try ConsulHealthEntry.readAll(from: &reader)
                }
                listing.add(entries, index: answer.reply.index)
            } catch {
                throw caller.nonsense(subject, answer.server, error)
            }
        }
        return listing
    }

    /// The results of `body` for all of `items`, a bounded number of which are under way at a time, in no order.
    func inParallel<Item: Sendable, Value: Sendable>(
        _ items: some Collection<Item>, _ body: @escaping @Sendable (Item) async -> Value
    ) async -> [Value] {
        await withTaskGroup(of: Value.self) { group in
            var rest = items.makeIterator()
            for _ in 0 ..< max(1, caller.configuration.parallelCalls) {
                guard let item = rest.next() else { break }
                group.addTask { await body(item) }
            }
            var values: [Value] = []
            for await value in group {
                values.append(value)
                if let item = rest.next() { group.addTask { await body(item) } }
            }
            return values
        }
    }
}

extension ConsulRegistryConfiguration {
    /// A path of a read, in the datacenter that is meant.
    func adding(to path: RequestPath) -> RequestPath { datacenter.map { path.adding(query: "dc", $0) } ?? path }
}
