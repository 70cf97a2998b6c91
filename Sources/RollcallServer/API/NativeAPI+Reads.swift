// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

extension NativeAPI {
    func listServices() -> APIAnswer {
        let (revision, snapshots) = registry.catalog.snapshots()
        let services = snapshots.map(\.summary).sorted { $0.service < $1.service }
        return .json(capacity: 64 + services.count * 128) { writer in
            writer.beginObject()
            writer.field("revision", revision.value)
            writer.key("services")
            writer.beginArray()
            for service in services {
                writer.beginObject()
                writer.field("service", service.service.value)
                writer.field("instances", service.instances)
                writer.field("healthy", service.healthy)
                writer.key("tags")
                writer.beginArray()
                for tag in service.tags { writer.string(tag) }
                writer.endArray()
                writer.field("revision", service.revision.value)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    func readService(_ request: APIRequest) throws(APIProblem) -> APIAnswer {
        let filter = try InstanceFilter(request.query)
        let snapshot = registry.catalog.snapshot(of: request.service)
        if let known = request.ifNoneMatch, EntityTag.list(known, contains: Self.entityTag(snapshot)) {
            return Self.notModified(snapshot)
        }
        return Self.list(snapshot, filter.isEmpty ? snapshot.instances : snapshot.instances.filter(filter.matches))
    }

    /// The list of a service's instances: what the fast path prepares and the ordinary route encodes.
    static func list(_ snapshot: ServiceSnapshot, _ instances: [ServiceInstance]) -> APIAnswer {
        var answer = APIAnswer.json(capacity: 64 + instances.count * 640) { writer in
            writer.beginObject()
            writer.field("service", snapshot.service.value)
            writer.field("revision", snapshot.revision.value)
            writer.key("instances")
            writer.beginArray()
            for instance in instances { instance.write(to: &writer) }
            writer.endArray()
            writer.endObject()
        }
        answer.headers.append(("etag", entityTag(snapshot)))
        answer.headers.append(("cache-control", "no-cache"))
        return answer
    }

    static func notModified(_ snapshot: ServiceSnapshot) -> APIAnswer {
        APIAnswer(status: 304, headers: [("etag", entityTag(snapshot)), ("cache-control", "no-cache")])
    }

    static func entityTag(_ snapshot: ServiceSnapshot) -> String { "\"\(snapshot.revision.value)\"" }

    func readInstance(_ request: APIRequest) throws(APIProblem) -> APIAnswer {
        guard let instance = registry.catalog.instance(request.key) else {
            throw APIProblem(.unknownInstance("look-up", request.key))
        }
        return .json(instance.jsonBytes())
    }

    func resolve(_ request: APIRequest) throws(APIProblem) -> APIAnswer {
        let filter = try InstanceFilter(request.query)
        var policy = BalancingPolicy.roundRobin
        if let text = request.query.first("policy") {
            guard let named = BalancingPolicy(rawValue: text) else {
                let known = BalancingPolicy.allCases.map(\.rawValue).joined(separator: ", ")
                throw APIProblem(malformed: "the policy \"\(text)\" is not known; these are: \(known)")
            }
            policy = named
        }
        let snapshot = registry.catalog.snapshot(of: request.service)
        let hashKey = request.query.first("key").map { StableHash.of($0) }
        guard !snapshot.isEmpty, let instance = balancers.choose(from: snapshot, policy, filter, hashKey: hashKey)
        else { throw noInstance(request.service, snapshot.instances.filter(filter.matches), of: snapshot.count) }
        return .json(instance.jsonBytes())
    }

    private func noInstance(_ service: ServiceName, _ matching: [ServiceInstance], of count: Int) -> APIProblem {
        let detail: String
        if count == 0 {
            detail = "the service \(service) has no instance"
        } else if matching.isEmpty {
            detail = "none of the \(count) instances of \(service) matches the filter"
        } else {
            let states = Dictionary(grouping: matching, by: \.status.rawValue).map { "\($0.value.count) \($0.key)" }
            detail = "no instance of \(service) may be called now: \(states.sorted().joined(separator: ", "))"
        }
        return APIProblem(
            ProblemDocument(
                status: matching.isEmpty ? 404 : 503, kind: "no-instance", title: "No instance to call", detail: detail,
                retryAfterSeconds: matching.isEmpty ? nil : 1))
    }
}
