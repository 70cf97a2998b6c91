// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import NIOHTTP1
internal import Rollcall

/// Answers the look-ups of one service's health on the event loop, from bytes that are kept with its snapshot, and
/// holds those that wait for a change. The rest goes to the routes.
struct ConsulFastPath: FastResponder {
    static let prefix: StaticString = "/v1/"
    private static let health: StaticString = "/v1/health/service/"

    let api: ConsulAPI
    let routes: ConsulRoutes
    /// What encoded answers may take.
    let answers: DerivedBudget
    /// Of the route of health look-ups.
    let healthRoute: RouteMetrics

    func plan(for head: HTTPRequestHead, on eventLoop: any EventLoop) -> RequestPlan {
        let target = head.target
        guard let lookup = lookup(head) else { return .ordinary(bodyBytesMax: bodyBytesMax(target)) }
        if lookup.index == 0 || api.index(of: lookup.service) > lookup.index { return .answer(answer(lookup)) }
        return .hold(HeldHealthQuery(api, lookup, answers: answers, route: healthRoute))
    }

    func respond(to head: HTTPRequestHead, body: ByteBuffer, on eventLoop: any EventLoop) -> FastAnswer? { nil }

    func repeated(_ head: HTTPRequestHead) -> RepeatedAnswer? {
        guard let lookup = lookup(head), lookup.index == 0 else { return nil }
        return { answer(lookup) }
    }

    private func lookup(_ head: HTTPRequestHead) -> HealthLookup? {
        guard head.method == .GET, let rest = head.target.dropping(Self.health) else { return nil }
        return HealthLookup(rest, datacenter: api.configuration.datacenter)
    }

    private func answer(_ lookup: HealthLookup) -> FastAnswer {
        FastAnswer(response: api.prepared(lookup, within: answers), route: healthRoute)
    }

    private func bodyBytesMax(_ target: Substring.UTF8View) -> Int {
        let path = target.prefix { $0 != UInt8(ascii: "?") }
        // A body on a path that is not there is read, so that the answer tells of the path.
        guard let decoded = PercentEncoding.decoded(path), let (index, _) = routes.find(decoded) else {
            return 64 * 1024
        }
        return routes.all[index].bodyBytesMax
    }
}
