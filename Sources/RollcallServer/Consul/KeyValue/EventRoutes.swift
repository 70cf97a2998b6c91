// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// `/v1/event/…`.
extension ConsulAPI {
    static let eventRoutes = [
        ConsulRoute("PUT", path: "/v1/event/fire/") { api, request throws(ConsulError) in
            _ = try api.options(request)
            let name = try request.rest(orMissing: "Missing name")
            let event = UserEvent(
                high: .random(in: 0 ... .max), low: .random(in: 0 ... .max), name: name, payload: request.body,
                nodeFilter: request.query.first("node") ?? "", serviceFilter: request.query.first("service") ?? "",
                tagFilter: request.query.first("tag") ?? "")
            api.events.fire(event)
            return .json { event.write(to: &$0) }
        },
        ConsulRoute("GET", path: "/v1/event/list", ConsulAPI.listEvents),
    ]

    private func listEvents(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        var options = try options(request)
        if (request.query.first("wait") ?? "").isEmpty { options.wait = ConsulQueryOptions.longestWait }
        let name = request.query.first("name").flatMap { $0.isEmpty ? nil : $0 }
        let seen = options.index
        return try await BlockingQuery.run(options, on: request.eventLoop, waking: [events], headers: { _ in [] }) {
            () throws(ConsulError) in
            let events = events.events(named: name)
            let index = events.last?.index ?? 1
            // Any other index than the one that was seen is news: these do not grow.
            return BlockingQuery.Reading(index: index == seen ? seen : .max) { () throws(ConsulError) in
                ConsulAnswer.json(capacity: 16 + events.count * 256) { writer in
                    writer.array(events) { $0.write(to: &$1) }
                }.adding([("X-Consul-Index", "\(index)")])
            }
        }
    }
}
