// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// Writes to the catalog, past any agent: nodes, services on them, and results of checks that somebody else runs.
extension ConsulAPI {
    static let catalogWriteRoutes = [
        ConsulRoute("PUT", path: "/v1/catalog/register", bodyBytesMax: 512 * 1024) {
            api, request throws(ConsulError) in
            let body = try CatalogRegistration(try request.decode())
            try body.validate(datacenter: api.configuration.datacenter)
            try await api.register(body)
            return .bool(true)
        },
        ConsulRoute("PUT", path: "/v1/catalog/deregister") { api, request throws(ConsulError) in
            try await api.deregister(
                try CatalogDeregistration(try request.decode(), datacenter: api.configuration.datacenter))
            return .bool(true)
        },
    ]

    // MARK: Registration

    /// Registers a node, then a service, then results of checks.
    ///
    /// Who waits for the service is woken when the service is there, and not by its node just before.
    func register(_ body: CatalogRegistration) async throws(ConsulError) {
        let address = nodes[body.node]?.address
        try await registerNode(body)
        defer { nodes.wake() }
        if let service = body.service {
            let identity = ConsulIdentity(node: body.node, serviceID: service.id)
            try await turns.withTurn(of: identity) { () throws(ConsulError) in
                try await registerService(service, identity, body.checks)
            }
        }
        for check in body.checks where !check.serviceID.isEmpty && check.serviceID != body.service?.id {
            try await turns.withTurn(of: ConsulIdentity(node: body.node, serviceID: check.serviceID)) {
                () throws(ConsulError) in try await registerCheck(check)
            }
        }
        if let address, address != nodes[body.node]?.address { try await moveServices(of: body.node) }
    }

    /// The agent's own node is what its configuration says: of that, checks alone are taken.
    private func registerNode(_ body: CatalogRegistration) async throws(ConsulError) {
        let datacenter = configuration.datacenter
        let isOwn = body.node == agentNode
        let checks = body.checks.filter(\.serviceID.isEmpty)
        for check in checks { try validate(check) }
        try await nodes.change(body.node, wakes: false) { record in
            var node = record?.node ?? ConsulNode(name: body.node, address: body.address, datacenter: datacenter)
            if record == nil || !(body.skipsNode || isOwn) {
                if !body.id.isEmpty { node.id = body.id.lowercased() }
                node.address = body.address
                node.taggedAddresses = body.taggedAddresses
                node.meta = body.meta
            }
            for check in checks { node.put(check) }
            if record == nil { record = NodeRecord(node: node) } else { record?.node = node }
        }
    }

    private func registerService(_ service: ServiceBody, _ identity: ConsulIdentity, _ given: [ConsulCheck])
        async throws(ConsulError)
    {
        guard let node = nodes[identity.node] else { throw ConsulError(500, "Missing node registration") }
        let checks = given.filter { $0.serviceID == service.id }
        let former = view.key(of: identity).flatMap(registry.catalog.instance)
        let isMoved = former.map { $0.service != ServiceName(service.name) } ?? false
        var shadows = former.map { ConsulShadow($0.registration).checks } ?? [:]
        for check in checks { shadows[check.id] = ConsulShadow.Check(of: check) }
        let registration = service.registration(
            on: node, agentNode: agentNode, checks: former?.registration.checks ?? [], checkShadows: shadows)
        // Before the service where it is known already, so that nobody finds it with an old result.
        if let former, !isMoved { try await write(checks, of: former.key) }
        let key = try await consulCaught { () throws(RegistryError) in
            try await registry.register(registration).instance.key
        }
        if former == nil || isMoved { try await write(checks, of: key) }
        guard let former, isMoved else { return }
        try await consulCaught { () throws(RegistryError) in try await registry.deregister(former.key) }
    }

    /// Registers the result of a check of a service that is there.
    private func registerCheck(_ check: ConsulCheck) async throws(ConsulError) {
        let identity = ConsulIdentity(node: check.node, serviceID: check.serviceID)
        guard let instance = view.key(of: identity).flatMap(registry.catalog.instance) else {
            throw ConsulError(500, "Missing service registration")
        }
        var registration = instance.registration
        var shadow = ConsulShadow(registration)
        shadow.checks[check.id] = ConsulShadow.Check(of: check)
        registration.keep(shadow)
        let changed = registration
        try await write([check], of: instance.key)
        guard changed != instance.registration else { return }
        try await consulCaught { () throws(RegistryError) in _ = try await registry.register(changed) }
    }

    private func write(_ checks: [ConsulCheck], of key: InstanceKey) async throws(ConsulError) {
        for check in checks {
            let known = registry.catalog.instance(key)?.checks.first { $0.id == check.id }
            guard known?.status != check.status || known?.output != check.output else { continue }
            try await consulCaught { () throws(RegistryError) in
                let update: InstanceUpdate =
                    known?.status == check.status
                    ? .checkOutput(id: check.id, output: check.output)
                    : .check(id: check.id, status: check.status, output: check.output)
                _ = try await registry.update(key, incarnation: nil, update)
            }
        }
    }

    /// The node has another address, which is that of its services without one.
    private func moveServices(of name: String) async throws(ConsulError) {
        guard let node = nodes[name] else { return }
        for instance in view.instances(on: name) {
            let identity = ConsulIdentity(instance.registration, agentNode: agentNode)
            try await turns.withTurn(of: identity) { () throws(ConsulError) in
                guard var registration = registry.catalog.instance(instance.key)?.registration,
                    ConsulShadow(registration).address == "", registration.host != node.address
                else { return }
                registration.host = node.address
                let changed = registration
                try await consulCaught { () throws(RegistryError) in _ = try await registry.register(changed) }
            }
        }
    }

    private func validate(_ check: ConsulCheck) throws(ConsulError) {
        if check.id.isEmpty { throw ConsulError(500, "Must provide a check's CheckID or Name") }
    }

    // MARK: Deregistration

    /// Removes a service, a check, or a node with all that is on it. What is not there is as good as removed.
    func deregister(_ body: CatalogDeregistration) async throws(ConsulError) {
        defer { nodes.wake() }
        if !body.serviceID.isEmpty {
            try await remove(ConsulIdentity(node: body.node, serviceID: body.serviceID))
        } else if !body.checkID.isEmpty {
            try await removeCheck(body.checkID, on: body.node)
        } else if body.node != agentNode {
            for instance in view.instances(on: body.node) {
                try await remove(ConsulIdentity(instance.registration, agentNode: agentNode))
            }
            try await nodes.change(body.node, wakes: false) { $0 = nil }
        }
    }

    private func remove(_ identity: ConsulIdentity) async throws(ConsulError) {
        try await turns.withTurn(of: identity) { () throws(ConsulError) in
            guard let key = view.key(of: identity) else { return }
            do throws(RegistryError) {
                try await registry.deregister(key)
            } catch where error.code == .unknownInstance {
                return
            } catch {
                throw ConsulError(error)
            }
        }
    }

    private func removeCheck(_ id: String, on node: String) async throws(ConsulError) {
        for instance in view.instances(on: node) where instance.checks.contains(where: { $0.id == id }) {
            try await turns.withTurn(of: ConsulIdentity(instance.registration, agentNode: agentNode)) {
                () throws(ConsulError) in try await removeCheck(id, of: instance.key)
            }
        }
        let now = time.wallTime()
        try await nodes.change(node, wakes: false) { $0?.removeCheck(id, at: now) }
        if node == agentNode { nodeChecks?.follow() }
    }
}

extension ConsulNode {
    /// Puts a check in the place of the one with its identifier.
    fileprivate mutating func put(_ check: ConsulCheck) {
        var check = check
        let index = checks.firstIndex { $0.id == check.id }
        if let index {
            check.createIndex = checks[index].createIndex
            check.modifyIndex = checks[index].modifyIndex
            checks[index] = check
        } else {
            checks.append(check)
        }
    }
}

extension ConsulShadow.Check {
    fileprivate init(of check: ConsulCheck) {
        self.init(notes: check.notes, type: check.type, name: check.name, definition: check.definition)
    }
}
