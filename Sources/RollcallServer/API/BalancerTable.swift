// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import Synchronization

/// The balancers of the resolve route, one for each question that is asked, so that turns go on from one request to the
/// next. Who asks makes the call elsewhere, so nothing is known here of loads and latencies.
///
/// Bounded, because a question is a client's choice: when there are too many (or they are about too many instances) all
/// begin anew, and a question with a long filter is not kept at all (its turns then begin anywhere, which still spreads
/// the load).
final class BalancerTable: Sendable {
    private struct Question: Hashable {
        var service: ServiceName
        var filter: InstanceFilter
        var policy: BalancingPolicy
    }

    private struct Entries: Sendable {
        var byQuestion: [Question: Entry] = [:]
        /// The instances of all entries together.
        var instances = 0
    }

    private struct Entry: Sendable {
        var upstream: Upstream
        /// The revision of the service that the upstream knows.
        var revision: Revision
        var instances: Int
    }

    private let entries = Mutex(Entries())
    static let questionsMax = 10_000
    static let instancesMax = 100_000
    static let filterBytesMax = 256

    /// - Parameter snapshot: Of a service that has instances: others need no balancer.
    /// - Returns: `nil` when no instance that matches may be called.
    func choose(
        from snapshot: ServiceSnapshot, _ policy: BalancingPolicy, _ filter: InstanceFilter, hashKey: UInt64?
    ) -> ServiceInstance? {
        upstream(snapshot, policy, filter).choose(PickRequest(now: .zero, hashKey: hashKey))?.instance
    }

    private func upstream(
        _ snapshot: ServiceSnapshot, _ policy: BalancingPolicy, _ filter: InstanceFilter
    ) -> Upstream {
        guard filter.byteCount <= Self.filterBytesMax else { return Self.entry(snapshot, policy, filter).upstream }
        let question = Question(service: snapshot.service, filter: filter, policy: policy)
        let known = entries.withLock { $0.byQuestion[question] }
        if let known, known.revision == snapshot.revision { return known.upstream }
        let entry = Self.entry(snapshot, policy, filter, known?.upstream)
        entries.withLock { entries in
            if entries.byQuestion.count >= Self.questionsMax || entries.instances >= Self.instancesMax {
                entries = Entries()
            }
            let former = entries.byQuestion.updateValue(entry, forKey: question)
            entries.instances += entry.instances - (former?.instances ?? 0)
        }
        return entry.upstream
    }

    /// An upstream that is up to date with the snapshot: `upstream` when it is given.
    private static func entry(
        _ snapshot: ServiceSnapshot, _ policy: BalancingPolicy, _ filter: InstanceFilter, _ upstream: Upstream? = nil
    ) -> Entry {
        // An instance that is down is never the answer here, however few are left: who asks wants to be told.
        let upstream = upstream ?? Upstream(
            service: snapshot.service, balancer: policy.makeBalancer(),
            configuration: UpstreamConfiguration(panicThreshold: 0, departedRetention: .zero))
        let matching = filter.isEmpty ? snapshot : snapshot.filtered(filter.matches)
        upstream.update(matching, now: .zero)
        return Entry(upstream: upstream, revision: snapshot.revision, instances: matching.count)
    }
}
