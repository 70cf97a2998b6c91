// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallTransport
internal import Synchronization

/// Which agent holds which instance. An agent's registrations can be changed at that agent only.
final class AgentDirectory: Sendable {
    /// What is known of an instance that was written from here.
    struct Holding: Sendable, Hashable {
        var server: Int
        var incarnation: Incarnation
        /// The check that heartbeats report; `nil` without a lease.
        var leaseCheck: String?
    }

    private struct State {
        var nodes: [Int: String] = [:]
        var holdings: [InstanceKey: Holding] = [:]
    }

    private let state = Mutex(State())

    func holding(_ key: InstanceKey) -> Holding? { state.withLock { $0.holdings[key] } }

    func hold(_ key: InstanceKey, _ holding: Holding?) { state.withLock { $0.holdings[key] = holding } }

    /// The server whose agent is the node `node`; `nil` when none of them is, as far as they can be asked.
    ///
    /// With one server there is no choice, and nothing is asked.
    func server(of node: String, _ caller: ConsulCaller) async -> Int? {
        let count = caller.directory.addresses.count
        if count == 1 { return 0 }
        if let known = state.withLock({ state in state.nodes.first { $0.value == node }?.key }) { return known }
        for server in 0 ..< count where state.withLock({ $0.nodes[server] }) == nil {
            guard let name = await name(of: server, caller) else { continue }
            state.withLock { $0.nodes[server] = name }
            if name == node { return server }
        }
        return nil
    }

    private func name(of server: Int, _ caller: ConsulCaller) async -> String? {
        let request = ConsulRequest(subject: "name of the agent", path: .consul("agent", "self"))
        let reply = try? await caller.transport.reply(
            to: request, from: caller.directory.addresses[server], within: caller.configuration.attemptTimeout)
        guard let reply, reply.status == 200 else { return nil }
        return (try? JSONValue.parse(reply.body))?["Config"]?["NodeName"]?.stringValue
    }
}

extension RequestPath {
    /// A path of Consul's API.
    static func consul(_ segments: String...) -> RequestPath {
        segments.reduce(RequestPath("/v1")) { $0.adding($1) }
    }
}
