// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOHTTP1
public import Rollcall
internal import RollcallTransport

extension ConsulRegistry {
    @discardableResult
    public func update(
        _ key: InstanceKey, incarnation: Incarnation?, _ update: InstanceUpdate
    ) async throws(RegistryError) -> ServiceInstance {
        let subject = "update of \(key)"
        try checkOpen(subject)
        guard let found = try await find(key, subject).found else { throw .unknownInstance("update", key) }
        try check(incarnation, against: found.instance, "update")
        switch update {
        case .desired(let desired): return try await set(desired, found, subject)
        case .readiness(let readiness):
            var registration = found.instance.registration
            if registration.readiness == readiness { return found.instance }
            guard ConsulMeta(found.entry.service.meta, service: found.entry.service.name) != nil else {
                throw RegistryError(.unsupported, "\(subject): it was registered by another client of Consul")
            }
            registration.readiness = readiness
            return try await write(registration, found.instance.incarnation, over: found, isNewLife: false, subject)
        case .check(let id, let status, let output):
            return try await report(id, status, output, found, subject)
        case .checkOutput(let id, let output):
            guard let check = found.check(id) else { throw .noCheck(id, subject) }
            return try await report(check.id, check.status, output, found, subject, replacesOutput: true)
        case .removeCheck(let id):
            guard found.instance.registration.check(id) == nil else {
                throw .invalid(subject, [FieldFault("check", "\"\(id)\" is declared by the registration")])
            }
            guard let check = found.check(id) else { throw .noCheck(id, subject) }
            try await removeCheck(found.name(of: check.id), at: try await server(of: found, subject), subject)
            return try await settled(found, subject) { instance in
                !(instance?.checks.contains { $0.id == id } ?? false)
            }
        }
    }

    private func set(
        _ desired: DesiredState, _ found: ConsulFound, _ subject: String
    ) async throws(RegistryError) -> ServiceInstance {
        let present = found.instance.desired
        if present == desired { return found.instance }
        let id = found.entry.service.id
        let server = try await server(of: found, subject)
        // Consul does not change the reason of a maintenance that is on: it ends, and begins anew.
        if present != .enabled { try await setMaintenance(id, nil, at: server, subject) }
        if let reason = ConsulReason.text(desired) { try await setMaintenance(id, reason, at: server, subject) }
        return try await settled(found, subject) { $0?.desired == desired }
    }

    /// - Parameter reason: `nil` ends the maintenance.
    func setMaintenance(
        _ id: String, _ reason: String?, at server: Int, _ subject: String
    ) async throws(RegistryError) {
        var path = RequestPath.consul("agent", "service", "maintenance", id)
            .adding(query: "enable", reason == nil ? "false" : "true")
        if let reason { path = path.adding(query: "reason", reason) }
        _ = try await caller.call(ConsulRequest(subject: subject, method: .PUT, path: path), at: [server])
    }

    // MARK: Checks

    private func report(
        _ id: String, _ status: HealthCheck.Status, _ output: String, _ found: ConsulFound, _ subject: String,
        replacesOutput: Bool = false
    ) async throws(RegistryError) -> ServiceInstance {
        guard !id.isEmpty else { throw .invalid(subject, [FieldFault("check", "must not be empty")]) }
        let declared = found.instance.registration.check(id)
        if let declared, !declared.isReported {
            throw RegistryError(
                .unsupported, "\(subject): the check \(id) is run by Consul's agent, which takes no results of others")
        }
        let server = try await server(of: found, subject)
        let known = found.check(id)
        let name = found.name(of: id)
        if known == nil { try await makeCheck(id, name, status, found.entry.service.id, at: server, subject) }
        // An output that comes with the same status is no news, but a TTL has to be renewed.
        let told = known?.status == status && !replacesOutput ? known?.output ?? output : output
        try await report(name, status, told, at: server, subject)
        return try await settled(found, subject) { instance in
            instance?.checks.contains { $0.id == id && $0.status == status && $0.output == told } ?? false
        }
    }

    /// Registers a check that somebody reports and no registration declares: one that does not run out, or as late as
    /// the agent lets it.
    private func makeCheck(
        _ id: String, _ name: String, _ status: HealthCheck.Status, _ serviceID: String, at server: Int,
        _ subject: String
    ) async throws(RegistryError) {
        do throws(RegistryError) {
            try await makeCheck(id, name, status, serviceID, ConsulRegistration.forEver, at: server, subject)
        } catch {
            guard error.code == .invalid else { throw error }
            try await makeCheck(id, name, status, serviceID, ConsulRegistration.day, at: server, subject)
        }
    }

    private func makeCheck(
        _ id: String, _ name: String, _ status: HealthCheck.Status, _ serviceID: String, _ ttl: String,
        at server: Int, _ subject: String
    ) async throws(RegistryError) {
        var writer = JSONWriter(capacity: 256)
        writer.beginObject()
        writer.field("ID", name)
        writer.field("Name", id)
        writer.field("ServiceID", serviceID)
        writer.field("TTL", ttl)
        writer.field("Status", status.rawValue)
        writer.endObject()
        let request = ConsulRequest(
            subject: subject, method: .PUT, path: .consul("agent", "check", "register"), body: writer.bytes)
        _ = try await caller.call(request, at: [server])
    }

    /// Reports a TTL check by its name in Consul.
    func report(
        _ name: String, _ status: HealthCheck.Status, _ output: String, at server: Int, _ subject: String
    ) async throws(RegistryError) {
        let answer = try await caller.call(.report(name, status, output, subject), at: [server])
        guard answer.reply.status != 200 else { return }
        throw RegistryError(
            .unsupported, "\(subject): the agent takes no report of the check \(name): \(answer.reply.text)")
    }

    func removeCheck(_ name: String, at server: Int, _ subject: String) async throws(RegistryError) {
        let request = ConsulRequest(
            subject: subject, method: .PUT, path: .consul("agent", "check", "deregister", name),
            expects: \.saysUnknownCheck)
        _ = try await caller.call(request, at: [server])
    }

    private func settled(
        _ found: ConsulFound, _ subject: String, _ isSettled: (ServiceInstance?) -> Bool
    ) async throws(RegistryError) -> ServiceInstance {
        let key = found.instance.key
        let present = try await settle(key, subject) { isSettled($0.found?.instance) }
        guard let instance = present.found?.instance else { throw .unknownInstance("update", key) }
        return instance
    }
}

extension ConsulFound {
    /// The present result of a check by its identifier here.
    func check(_ id: String) -> HealthCheck? { instance.checks.first { $0.id == id } }

    /// What a check is called in Consul: as others called it, or as this engine does.
    func name(of id: String) -> String {
        let isForeign = entry.checks.contains { $0.id == id && $0.serviceID == entry.service.id }
        return isForeign ? id : ConsulNaming.check(id, entry.service.id)
    }
}

extension ConsulRequest {
    /// Reports a TTL check. An agent that does not have it is an answer.
    static func report(
        _ name: String, _ status: HealthCheck.Status, _ output: String, _ subject: String
    ) -> ConsulRequest {
        var writer = JSONWriter(capacity: 64)
        writer.beginObject()
        writer.field("Status", status.rawValue)
        writer.field("Output", output)
        writer.endObject()
        return ConsulRequest(
            subject: subject, method: .PUT, path: .consul("agent", "check", "update", name), body: writer.bytes,
            expects: \.saysUnknownCheck)
    }
}

extension RegistryError {
    fileprivate static func noCheck(_ id: String, _ subject: String) -> RegistryError {
        .invalid(subject, [FieldFault("check", "there is no check \"\(id)\"")])
    }
}
