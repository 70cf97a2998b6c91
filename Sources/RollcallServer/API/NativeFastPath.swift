// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1
internal import Rollcall

/// Answers the calls that come most often on the event loop: look-ups of one service from bytes that are kept with its
/// snapshot, heartbeats from the leases. Watches are handed to their streams. The rest goes to the router.
struct NativeFastPath: FastResponder {
    let registry: any CatalogRegistry
    let streams: EventStreams
    let limits: BodyLimits
    /// What encoded answers may take.
    let answers: DerivedBudget
    let metrics: [RouteMetrics]

    private static let services: StaticString = "/api/v1/services/"
    private static let listKey = ServiceSnapshot.DerivedKey(0)
    private static let healthyKey = ServiceSnapshot.DerivedKey(1)
    private static let notModifiedKey = ServiceSnapshot.DerivedKey(2)
    private static let renewed = APIAnswer.noContent.prepared

    func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
        let target = head.target
        let ordinary = RequestPlan.ordinary(bodyBytesMax: limits.bytesMax(head.method, target))
        switch head.method {
        case .GET, .HEAD:
            if let rest = target.dropping(Self.services) {
                return Lookup(head, rest).map { .answer(answer($0)) } ?? ordinary
            }
            guard head.method == .GET, let rest = target.dropping("/api/v1/watch") else { return ordinary }
            return watch(head, rest, eventLoop) ?? ordinary
        case .PUT:
            guard let rest = target.dropping(Self.services) else { return ordinary }
            return Self.heartbeat(rest).flatMap { answer($0) }.map { .answer($0) } ?? ordinary
        case .POST where target.elementsEqual("/api/v1/heartbeats".utf8):
            // A larger batch would hold up the loop.
            guard let length = head.headers.first(name: "content-length").flatMap({ Int($0) }),
                length <= Self.batchBytesMax
            else { return ordinary }
            return .withBody(bytesMax: Self.batchBytesMax)
        default:
            return ordinary
        }
    }

    /// About 2,000 heartbeats.
    private static let batchBytesMax = 128 * 1024

    /// A look-up or a heartbeat with the same bytes is about the same service or instance, whatever has become of it.
    func repeated(_ head: HTTPRequestHead) -> RepeatedAnswer? {
        guard let rest = head.target.dropping(Self.services) else { return nil }
        switch head.method {
        case .GET:
            guard let lookup = Lookup(head, rest) else { return nil }
            return { answer(lookup) }
        case .PUT:
            guard let heartbeat = Self.heartbeat(rest) else { return nil }
            return { answer(heartbeat) }
        default:
            return nil
        }
    }

    // MARK: Look-ups

    /// A look-up of one service that asks for nothing but its instances, or its healthy ones.
    private struct Lookup {
        let service: ServiceName
        let healthyOnly: Bool
        /// The entity tags that the client knows.
        let known: String?

        init?(_ head: HTTPRequestHead, _ rest: Substring.UTF8View) {
            let name = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            guard !name.isEmpty, !name.contains(UInt8(ascii: "%")) else { return nil }
            let query = rest.dropFirst(name.count)
            healthyOnly = query.elementsEqual("?healthy=true".utf8)
            guard query.isEmpty || healthyOnly else { return nil }
            service = ServiceName(String(Substring(name)))
            known = head.headers.first(name: "if-none-match")
        }
    }

    private func answer(_ lookup: Lookup) -> FastAnswer {
        let snapshot = registry.catalog.snapshot(of: lookup.service)
        let response: PreparedResponse
        if let known = lookup.known, EntityTag.list(known, contains: NativeAPI.entityTag(snapshot)) {
            response = prepared(snapshot, Self.notModifiedKey, NativeAPI.notModified)
        } else if lookup.healthyOnly {
            response = prepared(snapshot, Self.healthyKey) { NativeAPI.list($0, $0.healthy) }
        } else {
            response = prepared(snapshot, Self.listKey) { NativeAPI.list($0, $0.instances) }
        }
        return FastAnswer(response: response, route: metrics[NativeRoute.readService.rawValue])
    }

    private func prepared(
        _ snapshot: ServiceSnapshot, _ key: ServiceSnapshot.DerivedKey, _ answer: (ServiceSnapshot) -> APIAnswer
    ) -> PreparedResponse {
        snapshot.derivedValue(key, within: answers, size: { $0.bytes.storageCapacity }, { answer($0).prepared })
    }

    // MARK: Watches

    private func watch(_ head: HTTPRequestHead, _ rest: Substring.UTF8View, _ eventLoop: any EventLoop) -> RequestPlan?
    {
        guard rest.isEmpty || rest.first == UInt8(ascii: "?") else { return nil }
        guard let query = QueryParameters(rest.dropFirst()) else {
            let problem = APIProblem(malformed: "watch: the query is not valid percent-encoded UTF-8")
            return .answer(FastAnswer(response: PreparedResponse(problem.document), route: streams.route))
        }
        return streams.plan(for: head, query: query, on: eventLoop)
    }

    // MARK: Heartbeats

    private static func heartbeat(_ rest: Substring.UTF8View) -> Heartbeat? {
        let service = rest.prefix { $0 != UInt8(ascii: "/") }
        guard let tail = rest.dropFirst(service.count).dropping("/instances/") else { return nil }
        let id = tail.prefix { $0 != UInt8(ascii: "/") }
        guard let query = tail.dropFirst(id.count).dropping("/heartbeat") else { return nil }
        var incarnation: Incarnation?
        if !query.isEmpty {
            guard let named = query.dropping("?incarnation=").flatMap({ Incarnation(decimal: $0) }) else { return nil }
            incarnation = named
        }
        guard !service.isEmpty, !id.isEmpty, !service.contains(UInt8(ascii: "%")),
            let decodedID = PercentEncoding.decoded(id)
        else { return nil }
        let key = InstanceKey(ServiceName(String(Substring(service))), InstanceID(decodedID))
        return Heartbeat(key, incarnation: incarnation)
    }

    private func answer(_ heartbeat: Heartbeat) -> FastAnswer? {
        guard let outcome = registry.renewImmediately([heartbeat])?.first else { return nil }
        let route = metrics[NativeRoute.heartbeat.rawValue]
        if outcome == .renewed { return FastAnswer(response: Self.renewed, route: route) }
        return FastAnswer(response: refusal(outcome, heartbeat), route: route)
    }

    private func refusal(_ outcome: HeartbeatOutcome, _ heartbeat: Heartbeat) -> PreparedResponse {
        do throws(APIProblem) {
            return try NativeAPI.answer(outcome, to: heartbeat).prepared
        } catch {
            return PreparedResponse(error.document)
        }
    }

    func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? {
        let route = metrics[NativeRoute.heartbeats.rawValue]
        let heartbeats: [Heartbeat]
        do throws(JSONError) {
            heartbeats = try JSONReader.read(Array(body.readableBytesView), NativeAPI.readHeartbeats)
        } catch {
            let problem = APIProblem(malformed: "the body cannot be read: \(error)")
            return FastAnswer(response: PreparedResponse(problem.document), route: route)
        }
        guard let outcomes = registry.renewImmediately(heartbeats) else { return nil }
        return FastAnswer(response: NativeAPI.answer(outcomes).prepared, route: route)
    }
}

extension HTTPRequestHead {
    /// The path and query of the request target, which may be a complete URI (RFC 9112, section 3.2.2).
    var target: Substring.UTF8View {
        let target = uri.utf8[...]
        guard target.first != UInt8(ascii: "/"), let scheme = target.dropping("http://") else { return target }
        return scheme.drop { $0 != UInt8(ascii: "/") }
    }
}

extension Substring.UTF8View {
    /// What follows `prefix`; `nil` when it does not begin so.
    func dropping(_ prefix: StaticString) -> Substring.UTF8View? {
        guard count >= prefix.utf8CodeUnitCount else { return nil }
        var index = startIndex
        for offset in 0 ..< prefix.utf8CodeUnitCount {
            guard self[index] == prefix.utf8Start[offset] else { return nil }
            formIndex(after: &index)
        }
        return self[index...]
    }
}
