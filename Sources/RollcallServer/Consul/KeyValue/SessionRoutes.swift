// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Rollcall
internal import RollcallConsul

/// `/v1/session/…`.
extension ConsulAPI {
    static let sessionRoutes = [
        ConsulRoute("PUT", path: "/v1/session/create", ConsulAPI.createSession),
        ConsulRoute("PUT", path: "/v1/session/destroy/") { api, request throws(ConsulError) in
            _ = try api.options(request)
            let id = try request.rest(orMissing: "Missing session")
            _ = try await api.submit(.endSessions([id]))
            return .bool(true)
        },
        ConsulRoute("PUT", path: "/v1/session/renew/") { api, request throws(ConsulError) in
            _ = try api.options(request)
            let id = try request.rest(orMissing: "Missing session")
            guard let session = try api.keyValues().renew(id) else {
                throw ConsulError(404, "Session id '\(id)' not found")
            }
            return list([session])
        },
        ConsulRoute("GET", path: "/v1/session/info/") { api, request throws(ConsulError) in
            let id = try request.rest(orMissing: "Missing session")
            return try await api.sessions(request) { state in state.sessions[id].map { [$0] } ?? [] }
        },
        ConsulRoute("GET", path: "/v1/session/node/") { api, request throws(ConsulError) in
            let node = try request.rest(orMissing: "Missing node name")
            return try await api.sessions(request) { state in state.sessions.values.filter { $0.node == node } }
        },
        ConsulRoute("GET", path: "/v1/session/list") { api, request throws(ConsulError) in
            try await api.sessions(request) { state in Array(state.sessions.values) }
        },
    ]

    /// Gives a command to the KV store.
    func submit(_ command: KVCommand) async throws(ConsulError) -> KVReply {
        let store = try keyValues()
        let reply = try await consulCaught { () throws(RegistryError) in try await store.submit(command) }
        if case .failed(let text) = reply { throw ConsulError(500, text) }
        return reply
    }

    private func createSession(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        _ = try options(request)
        let body: JSONValue = request.body.isEmpty ? .null : try request.decode()
        let session = try ConsulSession(creating: ConsulUUID.random(), on: agentNode, body)
        guard hasNode(session.node) else { throw ConsulError(500, "Missing node registration") }
        for check in session.checks {
            guard let status = status(ofCheck: check, on: session.node) else {
                throw ConsulError(500, "Missing check '\(check)' registration")
            }
            guard status != .critical else {
                throw ConsulError(500, "Check '\(check)' is in \(status.rawValue) state")
            }
        }
        _ = try await submit(.createSession(session))
        return .json { writer in
            writer.beginObject()
            writer.field("ID", session.id)
            writer.endObject()
        }
    }

    private func sessions(_ request: ConsulRequest, _ choose: @escaping @Sendable (KVState) -> [ConsulSession])
        async throws(ConsulError) -> ConsulAnswer
    {
        try await block(request, try options(request), on: try keyValues(), .sessions) { state in
            (state.sessionIndex, { Self.list(choose(state).sorted { $0.id < $1.id }) })
        }
    }

    private static func list(_ sessions: [ConsulSession]) -> ConsulAnswer {
        .json(capacity: 16 + sessions.count * 320) { writer in
            writer.array(sessions) { $0.write(to: &$1) }
        }
    }
}

extension ConsulAPI: SessionChecks {
    func hasNode(_ name: String) -> Bool { nodes[name] != nil || !view.read { $0.keys(on: name) }.isEmpty }

    func status(ofCheck id: String, on node: String) -> HealthCheck.Status? {
        if let check = nodes[node]?.checks.first(where: { $0.id == id }) { return check.status }
        for key in candidates(forCheck: id, on: node) {
            guard let instance = registry.catalog.instance(key) else { continue }
            if let check = projection(instance).checks.first(where: { $0.id == id && $0.node == node }) {
                return check.status
            }
        }
        return nil
    }

    /// The instances that a check of this identifier may be of: identifiers that Consul gives begin with the kind of
    /// check and the service's identifier, which may itself hold colons.
    private func candidates(forCheck id: String, on node: String) -> [InstanceKey] {
        var keys: [InstanceKey] = []
        if let key = view.read({ $0.key(ofCheck: id) }) { keys.append(key) }
        var end = id.endIndex
        if let colon = id.firstIndex(of: ":") {
            let serviceID = id[id.index(after: colon)...]
            while end > serviceID.startIndex {
                let identity = ConsulIdentity(node: node, serviceID: String(serviceID[..<end]))
                if let key = view.key(of: identity) { keys.append(key) }
                guard let shorter = serviceID[..<end].lastIndex(of: ":") else { break }
                end = shorter
            }
        }
        return keys
    }

    var sessionWakeSources: [any ConsulWakeSource] {
        [CatalogWakeSource(catalog: registry.catalog, scope: .all), nodes]
    }
}
