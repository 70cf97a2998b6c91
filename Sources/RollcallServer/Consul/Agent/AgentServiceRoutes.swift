// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension ConsulAPI {
    static let agentServiceRoutes = [
        ConsulRoute("PUT", path: "/v1/agent/service/register", ConsulAPI.registerService),
        ConsulRoute("PUT", path: "/v1/agent/service/deregister/", ConsulAPI.deregisterService),
        ConsulRoute("PUT", path: "/v1/agent/service/maintenance/", ConsulAPI.maintainService),
        ConsulRoute("PUT", path: "/v1/agent/maintenance", ConsulAPI.maintainNode),
        ConsulRoute("GET", path: "/v1/agent/services", ConsulAPI.agentServices),
        ConsulRoute("GET", path: "/v1/agent/service/", ConsulAPI.agentService),
    ]

    /// The instance that the agent knows by this identifier.
    func agentInstance(_ id: String) -> ServiceInstance? {
        view.key(of: agentIdentity(id)).flatMap(registry.catalog.instance)
    }

    func agentIdentity(_ id: String) -> ConsulIdentity { ConsulIdentity(node: agentNode, serviceID: id) }

    // MARK: Writes

    private func registerService(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let body = try AgentServiceBody(try request.decode())
        try body.validate()
        var replaces = false
        if let text = request.query.first("replace-existing-checks") {
            guard let value = text.isEmpty ? true : GoBool.parse(text) else {
                throw ConsulError(400, "Invalid value for replace-existing-checks: \"\(text)\"")
            }
            replaces = value
        }
        let declared = try declaredChecks(of: body)
        try await turns.withTurn(of: agentIdentity(body.service.id)) { () throws(ConsulError) in
            try await place(body.service, declared, replaces: replaces)
        }
        return .empty
    }

    private func deregisterService(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let id = try request.rest(orMissing: "Missing service ID")
        try await turns.withTurn(of: agentIdentity(id)) { () throws(ConsulError) in
            guard let key = view.key(of: agentIdentity(id)) else { throw Self.unknownService(id) }
            do throws(RegistryError) {
                try await registry.deregister(key)
            } catch where error.code == .unknownInstance {
                throw Self.unknownService(id)
            } catch {
                throw ConsulError(error)
            }
        }
        return .empty
    }

    private func maintainService(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let id = try request.rest(orMissing: "Missing service ID")
        let isEnabled = try Self.enables(request)
        let reason = request.query.first("reason") ?? ""
        try await turns.withTurn(of: agentIdentity(id)) { () throws(ConsulError) in
            guard let instance = agentInstance(id) else { throw Self.unknownService(id) }
            if isEnabled, case .maintenance = instance.desired { return }
            try await consulCaught { () throws(RegistryError) in
                _ = try await registry.update(
                    instance.key, incarnation: nil, .desired(isEnabled ? .maintenance(reason: reason) : .enabled))
            }
        }
        return .empty
    }

    private func maintainNode(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let isEnabled = try Self.enables(request)
        let reason = request.query.first("reason") ?? ""
        let id = ConsulCheckID.nodeMaintenance
        try await nodes.change(agentNode) { record in
            guard isEnabled else {
                record?.node.checks.removeAll { $0.id == id }
                return
            }
            guard record?.node.checks.contains(where: { $0.id == id }) == false else { return }
            record?.node.checks.append(
                ConsulCheck(
                    node: agentNode, id: id, name: "Node Maintenance Mode", status: .critical,
                    notes: reason.isEmpty ? ConsulCheckID.defaultReason("node") : reason, type: "maintenance"))
        }
        return .empty
    }

    /// The flag of both forms of maintenance.
    private static func enables(_ request: ConsulRequest) throws(ConsulError) -> Bool {
        guard let text = request.query.first("enable") else { throw ConsulError(400, "Missing value for enable") }
        guard let value = GoBool.parse(text) else { throw ConsulError(400, "Invalid value for enable: \"\(text)\"") }
        return value
    }

    static func unknownService(_ id: String) -> ConsulError {
        ConsulError(
            404, "Unknown service ID \"\(id)\". Ensure that the service ID is passed, not the service name.")
    }

    // MARK: Reads

    private func agentServices(_ request: ConsulRequest) throws(ConsulError) -> ConsulAnswer {
        let filter = try RowFilter<AgentRow>(request.query.first("filter") ?? "", .agentServices)
        let datacenter = configuration.datacenter
        let rows = view.instances(on: agentNode).map { instance in
            AgentRow(service: projection(instance).service, datacenter: datacenter)
        }
        let shown = rows.filter(filter.matches).sorted { $0.service.id < $1.service.id }
        return .json(capacity: 64 + shown.count * 400) { writer in
            writer.beginObject()
            for row in shown {
                writer.key(row.service.id)
                row.service.writeAgentService(datacenter: datacenter, to: &writer)
            }
            writer.endObject()
        }
    }

    private func agentService(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let id = try request.rest(orMissing: "Missing service ID")
        guard let present = agentInstance(id) else { throw ConsulError(404, "unknown service ID: \(id)") }
        var options = try options(request)
        let seen = request.query.first("hash") ?? ""
        // Here callers wait by a hash of the content, and their index means nothing: one step is a change.
        options.index = seen.isEmpty ? 0 : 1
        return try await BlockingQuery.run(
            options, on: request.eventLoop, waking: sources(of: present.service), headers: { _ in [] }
        ) { () throws(ConsulError) in
            guard let instance = agentInstance(id) else {
                return BlockingQuery.Reading(index: 2) { () throws(ConsulError) in
                    throw ConsulError(404, "unknown service ID: \(id)")
                }
            }
            let service = projection(instance).service
            let hash = contentHash(service)
            return BlockingQuery.Reading(index: hash == seen ? 1 : 2) { [configuration] () throws(ConsulError) in
                ConsulAnswer.json(capacity: 512) {
                    service.writeAgentService(datacenter: configuration.datacenter, contentHash: hash, to: &$0)
                }.adding([("X-Consul-Contenthash", hash)])
            }
        }
    }

    /// Sixty-four bits of the FNV-1a hash of what is shown, in hexadecimal without leading zeros.
    private func contentHash(_ service: ConsulService) -> String {
        var writer = JSONWriter(capacity: 512)
        service.writeAgentService(datacenter: configuration.datacenter, to: &writer)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in writer.bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }
}

/// A service of the agent, which knows its datacenter.
private struct AgentRow: FilterSubject {
    let service: ConsulService
    let datacenter: String

    func filterValue(_ name: String) -> FilterValue {
        name == "Datacenter" ? .string(datacenter) : service.filterValue(name)
    }
}
