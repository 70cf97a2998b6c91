// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Hummingbird
import NIOCore
import NIOHTTP1
import Rollcall

@testable import RollcallServer

/// The fast path of the native API over a registry with one instance. What it leaves to routes is answered when the
/// body has come, on the event loop.
struct CheckedResponder: FastResponder, OrdinaryResponder {
    private let fast: NativeFastPath

    private static let registry: LocalRegistry = {
        let start = WallTime(millisecondsSinceEpoch: 0)
        let instance = ServiceInstance(
            registration: Registration(service: "web", id: "web-1", host: "10.0.0.1", port: 80),
            incarnation: Incarnation(1), revision: Revision(1), registeredAt: start, changedAt: start)
        return LocalRegistry(recovered: RecoveredState(instances: [instance], revision: Revision(1)))
    }()

    init(factory: PrometheusFactory) {
        let catalog = Self.registry.catalog
        let answers = DerivedBudget(catalog: catalog, bytesMax: 1 << 20)
        let streams = EventStreams(
            catalog: catalog, answers: answers, time: .system, configuration: WatchConfiguration(),
            metrics: WatchMetrics(factory: factory))
        let metrics = ServerMetrics(factory: factory)
        fast = NativeFastPath(
            registry: Self.registry, streams: streams, limits: BodyLimits(), answers: answers,
            metrics: NativeRoute.allCases.map { metrics.route($0.name) })
    }

    func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
        let plan = fast.plan(for: head, on: eventLoop)
        if case .ordinary(let bytesMax) = plan { return .withBody(bytesMax: bytesMax) }
        return plan
    }

    func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? {
        if head.method == .POST, let answer = fast.respond(to: head, body: body, on: eventLoop) { return answer }
        return FastAnswer(response: PreparedResponse(APIProblem.notFound("/").document), route: nil)
    }

    func respond(to request: Request, channel: any Channel) async throws -> Response { Response(status: .notFound) }
}
