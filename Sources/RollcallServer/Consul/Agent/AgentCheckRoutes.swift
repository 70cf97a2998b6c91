// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension ConsulAPI {
    static let agentCheckRoutes =
        [
            ConsulRoute("PUT", path: "/v1/agent/check/register", ConsulAPI.registerCheck),
            ConsulRoute("PUT", path: "/v1/agent/check/deregister/", ConsulAPI.deregisterCheck),
            ConsulRoute("PUT", path: "/v1/agent/check/update/", ConsulAPI.updateCheck),
            ConsulRoute("GET", path: "/v1/agent/checks", ConsulAPI.agentChecks),
        ]
        + [("pass", HealthCheck.Status.passing), ("warn", .warning), ("fail", .critical)].map { verb, status in
            ConsulRoute("PUT", path: "/v1/agent/check/\(verb)/") { api, request throws(ConsulError) in
                let id = try request.rest(orMissing: "Missing check ID")
                try await api.report(id, status, request.query.first("note") ?? "")
                return .empty
            }
        }

    // MARK: Registration

    private func registerCheck(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let body = try CheckBody(try request.decode())
        if body.name.isEmpty { throw ConsulError(400, "Missing check name") }
        if body.initialStatus == nil { throw ConsulError(400, "Bad check status") }
        try body.validate()
        var (definition, shadow) = try body.definition(
            id: body.id.isEmpty ? body.name : body.id, name: body.name, agentNode: agentNode,
            runsCommands: runsCommands)
        shadow.isStandalone = true
        let declared = DeclaredCheck(definition: definition, shadow: shadow)
        if body.serviceID.isEmpty {
            try await declareNodeCheck(declared)
        } else {
            try await turns.withTurn(of: agentIdentity(body.serviceID)) { () throws(ConsulError) in
                try await declareCheck(declared, of: body.serviceID)
            }
        }
        return .empty
    }

    private func declareNodeCheck(_ declared: DeclaredCheck) async throws(ConsulError) {
        // The registry checks this of instances; a node is none of them.
        var sample = Registration(service: "node", host: "node", port: 0, lease: .permanent)
        sample.checks = [declared.definition]
        let made = sample
        try await consulCaught { () throws(RegistryError) in try made.validate(needsPort: false) }
        let now = time.wallTime()
        try await nodes.change(agentNode) { $0?.declare(declared.definition, declared.shadow, at: now) }
        nodeChecks?.follow()
    }

    private func declareCheck(_ declared: DeclaredCheck, of serviceID: String) async throws(ConsulError) {
        guard let former = agentInstance(serviceID) else {
            throw ConsulError(500, "ServiceID \"\(serviceID)\" does not exist")
        }
        var registration = former.registration
        var shadow = ConsulShadow(registration)
        var definition = declared.definition
        let known = former.checks.first { $0.id == definition.id }
        if let known, registration.check(definition.id)?.kind != definition.kind {
            definition.initialStatus = known.status
        }
        registration.checks.removeAll { $0.id == definition.id }
        registration.checks.append(definition)
        shadow.checks[definition.id] = declared.shadow
        registration.keep(shadow)
        let (id, isReported) = (definition.id, definition.isReported)
        let changed = registration
        try await consulCaught { () throws(RegistryError) in
            let instance = try await registry.register(changed).instance
            guard let known else { return }
            if instance.checks.first(where: { $0.id == id })?.output != known.output {
                try await registry.update(
                    instance.key, incarnation: instance.incarnation, .checkOutput(id: id, output: known.output))
            }
            if isReported { checks?.reported(instance.key, check: id, known.status, known.output) }
        }
    }

    private func deregisterCheck(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let id = try request.rest(orMissing: "Missing check ID")
        switch agentCheck(id) {
        case .ofService(let instance, let checkID):
            let identity = ConsulIdentity(instance.registration, agentNode: agentNode)
            try await turns.withTurn(of: identity) { () throws(ConsulError) in
                try await removeCheck(checkID, of: instance.key)
            }
        case .ofNode:
            let now = time.wallTime()
            try await nodes.change(agentNode) { $0?.removeCheck(id, at: now) }
            nodeChecks?.follow()
        // A lease goes with its instance. Consul is content with a check that is not there.
        case .lease, nil: break
        }
        return .empty
    }

    /// Removes a check of an instance, declared or not. The caller has the turn.
    func removeCheck(_ id: String, of key: InstanceKey) async throws(ConsulError) {
        guard let instance = registry.catalog.instance(key) else { return }
        var registration = instance.registration
        var shadow = ConsulShadow(registration)
        let isDeclared = registration.check(id) != nil
        registration.checks.removeAll { $0.id == id }
        shadow.checks[id] = nil
        registration.keep(shadow)
        let changed = registration
        try await consulCaught { () throws(RegistryError) in
            if changed != instance.registration { try await registry.register(changed) }
            if !isDeclared { _ = try await registry.update(key, incarnation: nil, .removeCheck(id: id)) }
        }
    }

    // MARK: Reports

    private func updateCheck(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let id = try request.rest(orMissing: "Missing check ID")
        let body = try GoObject(
            try request.decode(), known: ["Status", "Output", "CheckID", "Token"], structName: "checkUpdate")
        let text = try body.text("Status")
        let output = try body.text("Output")
        guard let status = HealthCheck.Status(rawValue: text) else {
            throw ConsulError(400, "Invalid check status: '\(text)'")
        }
        try await report(id, status, output)
        return .empty
    }

    /// Takes what somebody reports of a check. One that says what is known already writes nothing.
    func report(_ id: String, _ status: HealthCheck.Status, _ note: String) async throws(ConsulError) {
        switch agentCheck(id) {
        case .ofService(let instance, let checkID): try await report(checkID, of: instance, id, status, note)
        case .ofNode(let definition):
            guard definition?.isReported ?? false else { throw Self.noTTL(id) }
            let shadow = nodes.record(agentNode)?.agent.flatMap { ConsulShadow($0.registration).checks[id] }
            let output = CheckNote.kept(note, most: shadow?.outputMaxSize)
            let now = time.wallTime()
            try await nodes.change(agentNode) { $0?.report(id, status, output, at: now) }
            nodeChecks?.reported(id, status, output)
        case .lease(let key):
            // A heartbeat says that an instance lives, and cannot say that it does not.
            guard status == .passing else { throw Self.noTTL(id) }
            let outcome = try await consulCaught { () throws(RegistryError) in try await registry.heartbeat(key) }
            if outcome != .renewed { throw Self.unknownCheck(id) }
        case nil: throw Self.unknownCheck(id)
        }
    }

    private func report(
        _ checkID: String, of instance: ServiceInstance, _ id: String, _ status: HealthCheck.Status, _ note: String
    ) async throws(ConsulError) {
        if let definition = instance.registration.check(checkID), !definition.isReported { throw Self.noTTL(id) }
        let known = instance.checks.first { $0.id == checkID }
        let output = CheckNote.kept(note, most: ConsulShadow(instance.registration).checks[checkID]?.outputMaxSize)
        if known?.status != status || known?.output != output {
            let update: InstanceUpdate =
                known?.status == status
                ? .checkOutput(id: checkID, output: output) : .check(id: checkID, status: status, output: output)
            do throws(RegistryError) {
                try await registry.update(instance.key, incarnation: instance.incarnation, update)
            } catch where error.code == .unknownInstance || error.code == .fenced {
                throw Self.unknownCheck(id)
            } catch {
                throw ConsulError(error)
            }
        }
        checks?.reported(instance.key, check: checkID, status, output)
    }

    private static func unknownCheck(_ id: String) -> ConsulError {
        ConsulError(404, "Unknown check ID \"\(id)\". Ensure that the check ID is passed, not the check name.")
    }

    private static func noTTL(_ id: String) -> ConsulError {
        ConsulError(500, "CheckID \"\(id)\" does not have associated TTL")
    }

    // MARK: Reads

    private func agentChecks(_ request: ConsulRequest) throws(ConsulError) -> ConsulAnswer {
        let filter = try RowFilter<ConsulCheck>(request.query.first("filter") ?? "", .checks)
        var shown = (nodes[agentNode]?.checks ?? []).filter { $0.id != ConsulCheckID.serfHealth }
        for instance in view.instances(on: agentNode) { shown += projection(instance).checks }
        return .json(capacity: 64 + shown.count * 320) { writer in
            writer.beginObject()
            for check in shown.filter(filter.matches).sorted(by: { $0.id < $1.id }) {
                writer.key(check.id)
                check.withoutIndexes.write(to: &writer)
            }
            writer.endObject()
        }
    }
}

extension ConsulCheck {
    /// The check as an agent shows it, which knows nothing of the catalog's indexes.
    var withoutIndexes: ConsulCheck {
        var check = self
        check.createIndex = 0
        check.modifyIndex = 0
        return check
    }
}
