// SPDX-License-Identifier: Apache-2.0
// Rollcall

public import Rollcall
internal import RollcallTransport

extension ConsulRegistry {
    /// Renews leases, each with a request of its own, a bounded number of which are under way together. When one of
    /// them fails, others may have renewed their leases.
    public func heartbeat(_ heartbeats: [Heartbeat]) async throws(RegistryError) -> [HeartbeatOutcome] {
        try checkOpen("\(heartbeats.count) heartbeats")
        if heartbeats.count == 1, let heartbeat = heartbeats.first { return [try await renew(heartbeat)] }
        let results = await inParallel(Array(heartbeats.enumerated())) { position, heartbeat in
            do throws(RegistryError) {
                return (position, Result<HeartbeatOutcome, RegistryError>.success(try await self.renew(heartbeat)))
            } catch {
                return (position, .failure(error))
            }
        }
        var outcomes: [HeartbeatOutcome] = []
        for (_, result) in results.sorted(by: { $0.0 < $1.0 }) { outcomes.append(try result.get()) }
        return outcomes
    }

    private func renew(_ heartbeat: Heartbeat) async throws(RegistryError) -> HeartbeatOutcome {
        let key = heartbeat.key
        let subject = "heartbeat of \(key)"
        // The check bears the incarnation in its name: one of a former life is not there any more.
        if let holding = agents.holding(key), let lease = holding.leaseCheck,
            heartbeat.incarnation == nil || heartbeat.incarnation == holding.incarnation
        {
            switch try await pass(lease, at: holding.server, subject) {
            case .renewed: return .renewed
            case .unreachable:
                agents.hold(key, nil)
                return .unknown
            case .unknown: break
            }
        }
        guard let found = try await find(key, subject).found else {
            agents.hold(key, nil)
            return .unknown
        }
        let current = found.instance.incarnation
        if let named = heartbeat.incarnation, named != current { return .fenced(current) }
        guard let lease = found.leaseCheck else { return .renewed }
        let server = try await server(of: found, subject)
        guard try await pass(lease, at: server, subject) == .renewed else {
            // The catalog shows what the agent has forgotten, or what cannot be renewed there.
            agents.hold(key, nil)
            return .unknown
        }
        agents.hold(
            key, AgentDirectory.Holding(server: server, incarnation: current, leaseCheck: lease))
        return .renewed
    }

    private enum Passing {
        case renewed
        /// The agent does not have the check.
        case unknown
        /// The agent cannot be asked, but there are others: registering again is what keeps the instance known.
        case unreachable
    }

    private func pass(_ lease: String, at server: Int, _ subject: String) async throws(RegistryError) -> Passing {
        do throws(RegistryError) {
            let answer = try await caller.call(.report(lease, .passing, "", subject), at: [server])
            return answer.reply.status == 200 ? .renewed : .unknown
        } catch {
            guard error.code == .unavailable, caller.directory.addresses.count > 1, !Task.isCancelled else {
                throw error
            }
            return .unreachable
        }
    }
}

extension ConsulFound {
    /// The check that stands for the lease; `nil` without one.
    fileprivate var leaseCheck: String? {
        entry.checks.first { $0.id.hasPrefix(ConsulNaming.leasePrefix) && $0.serviceID == entry.service.id }?.id
    }
}
