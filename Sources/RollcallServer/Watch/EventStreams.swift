// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1
internal import Rollcall
internal import Synchronization

/// Serves watches over HTTP as server-sent events.
///
/// Streams live on the event loops of their connections. What happens to a service is read and encoded once a loop, and
/// the bytes are shared by all streams there that are up to date; one that is not reads what it missed for itself when
/// its client takes data again. Nothing is queued for a stream beyond what its socket holds.
final class EventStreams: Sendable {
    let catalog: Catalog
    let answers: DerivedBudget
    let time: TimeSource
    let configuration: WatchConfiguration
    let metrics: WatchMetrics
    /// Of the route: how many were opened or refused, and how long that took.
    let route: RouteMetrics?
    private let loops = Mutex<[ObjectIdentifier: NIOLoopBound<LoopStreams>]>([:])
    private let open = Atomic<Int>(0)

    /// - Parameters:
    ///   - answers: What the encoded snapshots may take.
    ///   - time: The time line of the catalog's owner, on which changes are born.
    init(
        catalog: Catalog, answers: DerivedBudget, time: TimeSource, configuration: WatchConfiguration,
        metrics: WatchMetrics, route: RouteMetrics? = nil
    ) {
        self.catalog = catalog
        self.answers = answers
        self.time = time
        self.configuration = configuration
        self.metrics = metrics
        self.route = route
    }

    /// The plan for `GET /api/v1/watch`: a held request, or a problem.
    func plan(for head: HTTPRequestHead, query: QueryParameters, on eventLoop: any EventLoop) -> RequestPlan {
        switch WatchRequest.read(head, query, configuration) {
        case .failure(let problem):
            return .answer(FastAnswer(response: PreparedResponse(problem.document), route: route))
        case .success(let request):
            return .hold(EventStream(request, on: streams(of: eventLoop)))
        }
    }

    /// - Returns: Whether there is room for one more stream; `ended` gives the room back.
    func admit() -> Bool {
        guard open.wrappingAdd(1, ordering: .relaxed).newValue > configuration.streamCountMax else { return true }
        open.wrappingSubtract(1, ordering: .relaxed)
        metrics.streamRefused()
        return false
    }

    /// What a stream is told that was not admitted.
    var refusal: FastAnswer { FastAnswer(response: PreparedResponse(Self.tooMany(configuration)), route: route) }

    func ended() { open.wrappingSubtract(1, ordering: .relaxed) }

    private func streams(of eventLoop: any EventLoop) -> LoopStreams {
        loops.withLock { loops in
            let id = ObjectIdentifier(eventLoop)
            if let known = loops[id] { return known.value }
            let streams = LoopStreams(self, eventLoop: eventLoop)
            loops[id] = NIOLoopBound(streams, eventLoop: eventLoop)
            return streams
        }
    }

    private static func tooMany(_ configuration: WatchConfiguration) -> ProblemDocument {
        ProblemDocument(
            status: 503, kind: "too-many-watchers", title: "Too many watchers",
            detail: "\(configuration.streamCountMax) watches are open already; watch several services with one watch, "
                + "or try again later",
            retryAfterSeconds: 5)
    }
}

/// What a client asked to watch.
struct WatchRequest {
    var scope: WatchScope
    /// The revision to resume after.
    var revision: Revision?

    struct Problem: Error {
        var document: ProblemDocument
    }

    static func read(_ head: HTTPRequestHead, _ query: QueryParameters, _ configuration: WatchConfiguration)
        -> Result<WatchRequest, Problem>
    {
        if let unknown = query.keys.first(where: { $0 != "service" && $0 != "from" }) {
            return failure("the parameter \"\(unknown)\" is not known; service and from are")
        }
        let names = query.values(of: "service")
        guard names.count <= configuration.serviceCountMax else {
            return failure(
                "\(names.count) services are named, at most \(configuration.serviceCountMax) are allowed; name none to "
                    + "watch all")
        }
        guard names.allSatisfy({ !$0.isEmpty }) else { return failure("the parameter service must not be empty") }
        var request = WatchRequest(scope: scope(names))
        // A client that comes back names what it saw last, which is newer than what its URL says.
        guard let text = head.headers.first(name: "last-event-id") ?? query.first("from"), !text.isEmpty else {
            return .success(request)
        }
        guard let revision = UInt64(text) else {
            return failure("\"\(text)\" is not a revision: Last-Event-ID and from are numbers")
        }
        request.revision = Revision(revision)
        return .success(request)
    }

    private static func scope(_ names: [String]) -> WatchScope {
        let services = Set(names.map { ServiceName($0) })
        guard let first = services.first else { return .all }
        return services.count == 1 ? .service(first) : .services(services)
    }

    private static func failure(_ detail: String) -> Result<WatchRequest, Problem> {
        .failure(
            Problem(
                document: ProblemDocument(
                    status: 400, kind: "malformed", title: "The request cannot be read", detail: "watch: \(detail)")))
    }
}
