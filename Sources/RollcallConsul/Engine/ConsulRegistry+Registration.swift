// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Logging
internal import NIOHTTP1
public import Rollcall
internal import RollcallTransport

extension ConsulRegistry {
    @discardableResult
    public func register(_ registration: Registration, life: Life) async throws(RegistryError) -> RegistrationReceipt {
        let key = registration.key
        let subject = "registration of \(key)"
        try checkOpen(subject)
        try registration.validate()
        let present = try await find(key, subject)
        let incarnation = try incarnation(for: life, of: key, present)
        let former = present.found?.instance
        let isNewLife = former?.incarnation != incarnation
        if let former, !isNewLife, former.registration == registration, former.leaseState == .current {
            // Nothing to say that is not said, but that the instance lives.
            if try await heartbeat([Heartbeat(key, incarnation: incarnation)]) == [.renewed] {
                return RegistrationReceipt(instance: former, isNewLife: false)
            }
        }
        let instance = try await write(
            registration, incarnation, over: present.found, isNewLife: isNewLife, subject)
        return RegistrationReceipt(instance: instance, isNewLife: isNewLife)
    }

    /// What there is of an instance, and the index of the answer.
    struct Present {
        var found: ConsulFound?
        /// On several agents, when one could not be reached while it registered again.
        var all: [ConsulFound]
        var index: UInt64
    }

    func find(_ key: InstanceKey, _ subject: String) async throws(RegistryError) -> Present {
        guard !key.service.value.isEmpty else { return Present(found: nil, all: [], index: 1) }
        let listing = try await listing(
            ConsulNaming.spellings(of: key.service), subject, filter: ConsulNaming.filter(for: key))
        return Present(found: listing[key], all: listing.found[key] ?? [], index: listing.index)
    }

    /// The incarnation of a registration.
    ///
    /// Consul forgets an instance with its deregistration. A new life takes the index of the last change that was seen:
    /// it is higher than that of any life that ended before, unless a caller has chosen that one.
    private func incarnation(
        for life: Life, of key: InstanceKey, _ present: Present
    ) throws(RegistryError) -> Incarnation {
        let current = present.found?.instance.incarnation
        let next = Incarnation(max((current?.value ?? 0) + 1, present.index))
        switch life {
        case .present: return current ?? next
        case .new: return next
        case .incarnation(let named) where named == current: return named
        case .incarnation(let named):
            guard named <= .highestNamed else {
                throw .invalid(
                    "registration of \(key)",
                    [FieldFault("incarnation", "must not be above \(Incarnation.highestNamed)")])
            }
            if let current, named < current { throw .fenced("registration", key, named: named, current: current) }
            return named
        }
    }

    /// Registers at the agent that has the instance, or at the one that answered last.
    ///
    /// - Returns: The instance as the catalog shows it.
    func write(
        _ registration: Registration, _ incarnation: Incarnation, over found: ConsulFound?, isNewLife: Bool,
        _ subject: String
    ) async throws(RegistryError) -> ServiceInstance {
        let former = found?.instance
        let registered = isNewLife ? caller.time.wallTime() : former?.registeredAt ?? caller.time.wallTime()
        let body = try ConsulRegistration(registration, incarnation: incarnation, registeredAt: registered)
        let request = ConsulRequest(
            subject: subject, method: .PUT, path: .consul("agent", "service", "register"), body: body.json)
        let answer = try await caller.call(request, at: await servers(beginningWith: found))
        let key = registration.key
        agents.hold(
            key,
            AgentDirectory.Holding(server: answer.server, incarnation: incarnation, leaseCheck: body.leaseCheck))
        if let found, found.entry.service.id == body.id {
            try await tidy(found, body, isNewLife: isNewLife, answer.server, subject)
        }
        let settled = try await settle(key, subject) { present in
            guard let instance = present.found?.instance else { return false }
            return instance.incarnation == incarnation && instance.registration == registration
                && instance.leaseState == .current
        }
        return settled.found?.instance ?? ServiceInstance(
            registration: registration, incarnation: incarnation,
            desired: (isNewLife ? former?.desired.inherited : former?.desired) ?? .enabled,
            checks: former?.checks ?? [], revision: former?.revision ?? .zero, registeredAt: registered,
            changedAt: registered)
    }

    /// Brings the checks of an instance that was registered before into line: registering leaves them as they are.
    private func tidy(
        _ found: ConsulFound, _ body: ConsulRegistration, isNewLife: Bool, _ server: Int, _ subject: String
    ) async throws(RegistryError) {
        let checks = found.entry.checks
        if let lease = body.leaseCheck, checks.contains(where: { $0.id == lease && $0.status != .passing }) {
            try await report(lease, .passing, "", at: server, subject)
        }
        let declared = found.instance.registration
        let readiness = ConsulNaming.readinessCheck(body.id)
        for check in checks where check.serviceID == body.id {
            let isOurs = check.id.hasPrefix(ConsulNaming.leasePrefix) || check.id == readiness
            let wasDeclared = ConsulNaming.checkID(check.id, body.id).map { declared.check($0) != nil } ?? false
            let isMaintenance = check.id == ConsulNaming.maintenanceCheck(body.id)
            if !body.checkIDs.contains(check.id), isOurs || wasDeclared || isNewLife && !isMaintenance {
                try await removeCheck(check.id, at: server, subject)
            } else if isNewLife, let id = ConsulNaming.checkID(check.id, body.id),
                let definition = body.registration.check(id), definition.isReported,
                check.status != definition.initialStatus
            {
                try await report(check.id, definition.initialStatus, "", at: server, subject)
            }
        }
        if isNewLife, found.instance.desired != found.instance.desired.inherited {
            try await setMaintenance(body.id, nil, at: server, subject)
        }
    }

    public func deregister(_ key: InstanceKey, incarnation: Incarnation?) async throws(RegistryError) {
        let subject = "deregistration of \(key)"
        try checkOpen(subject)
        let present = try await find(key, subject)
        guard let found = present.found else { throw .unknownInstance("deregistration", key) }
        try check(incarnation, against: found.instance, "deregistration")
        try await remove(found, subject)
        agents.hold(key, nil)
        // What another agent still has of it expires there when it cannot be removed.
        for other in present.all where other.entry.node.name != found.entry.node.name {
            do throws(RegistryError) { try await remove(other, subject) } catch {
                caller.logger.info("a former registration was left to expire", metadata: ["error": "\(error)"])
            }
        }
    }

    private func remove(_ found: ConsulFound, _ subject: String) async throws(RegistryError) {
        let server = try await server(of: found, subject)
        let request = ConsulRequest(
            subject: subject, method: .PUT, path: .consul("agent", "service", "deregister", found.entry.service.id),
            expects: \.saysUnknownService)
        let answer = try await caller.call(request, at: [server])
        let left = try await settle(found.instance.key, subject) { present in
            !present.all.contains { $0.entry.node.name == found.entry.node.name }
        }
        // Somebody else may have removed it meanwhile; if not, another agent holds it.
        let isThere = left.all.contains { $0.entry.node.name == found.entry.node.name }
        if isThere, answer.reply.saysUnknownService { throw notHeld(found, server, subject) }
    }

    // MARK: What writes have in common

    func check(
        _ named: Incarnation?, against instance: ServiceInstance, _ action: String
    ) throws(RegistryError) {
        guard let named, named != instance.incarnation else { return }
        throw .fenced(action, instance.key, named: named, current: instance.incarnation)
    }

    /// The agents to ask for a registration: the one that has the instance first.
    private func servers(beginningWith found: ConsulFound?) async -> [Int] {
        let order = caller.directory.selection.order
        guard let found else { return order }
        let known = agents.holding(found.instance.key)?.server
        var holder = known
        if holder == nil { holder = await agents.server(of: found.entry.node.name, caller) }
        guard let holder else { return order }
        return [holder] + order.filter { $0 != holder }
    }

    /// The agent that holds an instance.
    func server(of found: ConsulFound, _ subject: String) async throws(RegistryError) -> Int {
        if let server = await agents.server(of: found.entry.node.name, caller) { return server }
        throw RegistryError(
            .unsupported,
            "\(subject): it is held by the agent of the node \(found.entry.node.name), which is none of "
                + caller.directory.addresses.map(\.description).joined(separator: ", ")
                + " or cannot be asked; Consul lets no other change it")
    }

    func notHeld(_ found: ConsulFound, _ server: Int, _ subject: String) -> RegistryError {
        RegistryError(
            .unsupported,
            "\(subject): the agent at \(caller.directory.addresses[server]) does not hold it, that of the node "
                + "\(found.entry.node.name) does; Consul lets no other change it")
    }

    /// Waits until the catalog shows what was written: the agent brings it there in its own time.
    ///
    /// - Returns: What it shows; also when the time is up before it is as it should be.
    func settle(
        _ key: InstanceKey, _ subject: String, _ isSettled: (Present) -> Bool
    ) async throws(RegistryError) -> Present {
        let deadline = caller.time.now() + caller.configuration.callTimeout
        var generator = SystemRandomNumberGenerator()
        var rounds = 0
        while true {
            let present = try await find(key, subject)
            if isSettled(present) { return present }
            rounds += 1
            let next = caller.time.now() + caller.configuration.callBackoff.delay(
                afterFailures: rounds, using: &generator)
            guard next < deadline else { return present }
            do { try await caller.time.sleep(until: next) } catch { throw .cancelled(subject) }
        }
    }
}
