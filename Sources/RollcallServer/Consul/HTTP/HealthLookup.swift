// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall
internal import RollcallConsul
internal import Synchronization

/// `GET /v1/health/service/…` that asks for nothing but all instances, or those that pass, now or once they change:
/// what Consul's clients ask all the time.
struct HealthLookup: Sendable {
    let service: ServiceName
    var onlyPassing = false
    var isStale = false
    /// 0 does not wait.
    var index: UInt64 = 0
    var wait = ConsulQueryOptions.defaultWait

    /// - Parameter rest: What follows the route's path in the request's target.
    /// - Returns: `nil` for whatever is not plain: it goes to the route, which also finds the words for what is wrong.
    init?(_ rest: Substring.UTF8View, datacenter: String) {
        let name = rest.prefix { $0 != UInt8(ascii: "?") }
        guard !name.isEmpty, !name.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "/") }) else {
            return nil
        }
        service = ServiceName(String(Substring(name)))
        guard service != ConsulAPI.ownService else { return nil }
        for part in rest.dropFirst(name.count + 1).split(separator: UInt8(ascii: "&")) {
            guard read(Substring(part), datacenter) else { return nil }
        }
    }

    private mutating func read(_ parameter: Substring, _ datacenter: String) -> Bool {
        switch parameter {
        case "passing", "passing=1", "passing=true", "passing=": onlyPassing = true
        case "stale", "stale=": isStale = true
        case _ where parameter.hasPrefix("index="):
            guard let index = UInt64(parameter.dropFirst(6)), parameter.utf8.dropFirst(6).first != UInt8(ascii: "+")
            else { return false }
            self.index = index
        case _ where parameter.hasPrefix("wait="):
            guard let wait = try? GoDuration.parse(String(parameter.dropFirst(5))), wait > .zero else { return false }
            self.wait = min(wait, ConsulQueryOptions.longestWait)
        case _ where parameter.hasPrefix("dc="): return parameter.dropFirst(3) == datacenter
        default: return false
        }
        return true
    }
}

extension ConsulAPI {
    /// The bytes of an answer, kept with the snapshot of the service for as long as no node changes.
    private final class KeptAnswer: Sendable {
        private let state: Mutex<(nodes: Revision, response: PreparedResponse)>

        init(nodes: Revision, _ response: PreparedResponse) {
            state = Mutex((nodes, response))
        }

        var bytes: Int { state.withLock { $0.response.bytes.storageCapacity } }

        func response(nodes: Revision, _ make: () -> PreparedResponse) -> PreparedResponse {
            state.withLock { state in
                if state.nodes != nodes { state = (nodes, make()) }
                return state.response
            }
        }
    }

    /// What a service's look-up is answered now.
    ///
    /// - Parameter budget: Of the answers that are kept.
    func prepared(_ lookup: HealthLookup, within budget: DerivedBudget) -> PreparedResponse {
        let snapshot = registry.catalog.snapshot(of: lookup.service)
        let nodesRevision = nodes.revision
        let key = ServiceSnapshot.DerivedKey(100 + (lookup.onlyPassing ? 1 : 0) + (lookup.isStale ? 2 : 0))
        let kept = snapshot.derivedValue(key, within: budget, size: \.bytes) { snapshot in
            KeptAnswer(nodes: nodesRevision, encoded(snapshot, lookup))
        }
        return kept.response(nodes: nodesRevision) { encoded(snapshot, lookup) }
    }

    private func encoded(_ snapshot: ServiceSnapshot, _ lookup: HealthLookup) -> PreparedResponse {
        let (index, entries) = entries(of: snapshot)
        let shown = lookup.onlyPassing ? entries.filter(\.isPassing) : entries
        var options = ConsulQueryOptions()
        options.consistency = lookup.isStale ? .stale : .leader
        var answer = Self.healthAnswer(shown).adding(options.headers(index: index) + ConsulAnswer.commonHeaders)
        answer.body.append(UInt8(ascii: "\n"))
        return PreparedResponse(status: 200, headers: answer.headers, body: ByteBuffer(bytes: answer.body))
    }

    /// The index of a service's list, without making the list.
    func index(of service: ServiceName) -> UInt64 {
        let snapshot = registry.catalog.snapshot(of: service)
        // Only a node that changed after the service did can say more than the service itself.
        return nodes.revision <= snapshot.revision ? snapshot.revision.value : entries(of: snapshot).index
    }
}
