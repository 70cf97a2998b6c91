// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import Rollcall

/// Routes what the fast path leaves to ordinary asynchronous code.
struct NativeRouter: OrdinaryResponder {
    private let responder: RouterResponder<NativeContext>
    /// Finds the methods of a path, whatever the method of the request.
    private let refusals: RouterResponder<NativeContext>
    private let logger: Logger

    init(api: NativeAPI, metrics: [RouteMetrics], logger: Logger) {
        self.logger = logger
        let router = Router(context: NativeContext.self)
        for route in NativeRoute.allCases where route != .watch {
            let measure = metrics[route.rawValue]
            let handler: @Sendable (Request, NativeContext) async throws -> Response = { request, context in
                await Self.serve(request, context, route, api, measure)
            }
            router.on(RouterPath(route.path), method: route.method, use: handler)
            if route.method == .get { router.on(RouterPath(route.path), method: .head, use: handler) }
        }
        responder = router.buildResponder()
        refusals = Self.makeRefusals()
    }

    func respond(to request: Request, channel: any Channel) async throws -> Response {
        let context = NativeContext(source: ApplicationRequestContextSource(channel: channel, logger: logger))
        let response = try await responder.respond(to: request, context: context)
        // The router's own word for what it does not know; those of routes are problem documents.
        guard response.status == .notFound, response.headers[.contentType] != ProblemDocument.mediaType else {
            return response
        }
        var head = request.head
        head.method = .get
        let known = Request(head: head, body: RequestBody(buffer: ByteBuffer()))
        let refusal = try await refusals.respond(to: known, context: context)
        guard refusal.status == .methodNotAllowed, let allowed = refusal.headers[.allow],
            !allowed.split(separator: ", ").contains(Substring(request.method.rawValue))
        else { return APIProblem.notFound(request.uri.path).answer.response }
        return refusal
    }

    private static func serve(
        _ request: Request, _ context: NativeContext, _ route: NativeRoute, _ api: NativeAPI, _ metrics: RouteMetrics
    ) async -> Response {
        let clock = ContinuousClock()
        let start = clock.now
        let answer: APIAnswer
        do throws(APIProblem) {
            answer = await api.answer(try await read(request, context, route))
        } catch {
            answer = error.answer
        }
        metrics.record(status: answer.status, nanoseconds: start.duration(to: clock.now).wholeNanoseconds)
        return answer.response
    }

    private static func read(_ request: Request, _ context: NativeContext, _ route: NativeRoute)
        async throws(APIProblem)
        -> APIRequest
    {
        var parameters: [String: String] = [:]
        for (name, value) in context.parameters {
            guard let decoded = PercentEncoding.decoded(value.utf8), !decoded.isEmpty else {
                throw APIProblem(
                    malformed: "the path parameter \(name) is not valid percent-encoded UTF-8: \"\(value)\"")
            }
            parameters[String(name)] = decoded
        }
        guard let query = QueryParameters((request.uri.query ?? "")[...].utf8) else {
            throw APIProblem(malformed: "the query is not valid percent-encoded UTF-8")
        }
        let body: ByteBuffer
        do {
            // The transport has collected it, within the limit of the route.
            body = try await request.body.collect(upTo: .max)
        } catch {
            throw APIProblem(malformed: "the body did not arrive: \(error)")
        }
        return APIRequest(
            route: route, parameters: parameters, query: query, body: body, ifNoneMatch: request.headers[.ifNoneMatch])
    }

    /// A path that exists with another method is told so, and which methods there are.
    private static func makeRefusals() -> RouterResponder<NativeContext> {
        let router = Router(context: NativeContext.self)
        for (path, routes) in Dictionary(grouping: NativeRoute.allCases, by: \.path) {
            var allowed = routes.map(\.method)
            if allowed.contains(.get), path != NativeRoute.watch.path { allowed.append(.head) }
            let names = allowed.map(\.rawValue).sorted().joined(separator: ", ")
            var answer = APIProblem(
                ProblemDocument(
                    status: 405, kind: "method-not-allowed", title: "Method not allowed",
                    detail: "\(path) takes \(names)")
            ).answer
            answer.headers.append(("allow", names))
            let refusal = answer
            router.on(RouterPath(path), method: .get) { _, _ in refusal.response }
        }
        return router.buildResponder()
    }
}

/// What a route is given beside the request.
struct NativeContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}

extension APIAnswer {
    var response: Response { Response(status: status, headers: headers, bytes: body) }
}
