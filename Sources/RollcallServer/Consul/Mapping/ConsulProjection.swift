// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// An instance as Consul shows it.
struct ConsulProjection: Sendable {
    let identity: ConsulIdentity
    let service: ConsulService
    /// Of the instance, without those of its node, sorted by identifier.
    let checks: [ConsulCheck]

    /// - Parameter agentNode: The node of instances that name none.
    init(_ instance: ServiceInstance, agentNode: String) {
        let registration = instance.registration
        let shadow = ConsulShadow(registration)
        identity = ConsulIdentity(registration, agentNode: agentNode)
        let port = shadow.port ?? Int(registration.port)
        let address = shadow.address ?? registration.host
        var service = ConsulService(
            id: identity.serviceID, name: registration.service.value, kind: shadow.kind,
            tags: shadow.tags ?? registration.tags, address: address,
            taggedAddresses: shadow.taggedAddresses, meta: registration.metadata, port: port,
            socketPath: shadow.socketPath, passingWeight: shadow.passingWeight ?? Int(registration.weight),
            warningWeight: shadow.warningWeight, enableTagOverride: shadow.enableTagOverride,
            createIndex: instance.createRevision.value, modifyIndex: instance.revision.value)
        // Consul's agent adds the families of an address that is an IP; its catalog does not.
        if identity.node == agentNode, let family = IPFamily(address) {
            for name in ["lan_\(family)", "wan_\(family)"] where service.taggedAddresses[name] == nil {
                service.taggedAddresses[name] = ConsulAddress(address: address, port: port)
            }
        }
        self.service = service
        checks = CheckProjection(instance, identity, service.tags, shadow).checks
    }
}

extension ServiceInstance {
    /// The revision at which it began, as far as it is known: an incarnation that a caller has chosen is none.
    var createRevision: Revision { Revision(min(incarnation.value, revision.value)) }
}

/// `ipv4` or `ipv6`, as in the names of Consul's tagged addresses.
enum IPFamily: String, Sendable, CustomStringConvertible {
    case ipv4, ipv6

    /// `nil` for a host name.
    init?(_ address: String) {
        if address.utf8.contains(UInt8(ascii: ":")) {
            self = .ipv6
            return
        }
        let parts = address.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) else { return nil }
        self = .ipv4
    }

    var description: String { rawValue }
}

/// The checks of an instance as Consul shows them: those that are declared or reported, and what the model knows of it
/// beyond checks.
private struct CheckProjection {
    private let instance: ServiceInstance
    private let identity: ConsulIdentity
    private let tags: [String]
    private let shadow: ConsulShadow

    init(_ instance: ServiceInstance, _ identity: ConsulIdentity, _ tags: [String], _ shadow: ConsulShadow) {
        self.instance = instance
        self.identity = identity
        self.tags = tags
        self.shadow = shadow
    }

    var checks: [ConsulCheck] {
        var checks = instance.checks.map(check)
        if let lease { checks.append(lease) }
        if let desired { checks.append(desired) }
        if instance.registration.readiness == .starting {
            checks.append(
                check("\(ConsulCheckID.readinessPrefix)\(identity.serviceID)", "Readiness", .critical)
                    .with(output: "the instance has not finished starting"))
        }
        return checks.sorted { $0.id < $1.id }
    }

    private func check(_ id: String, _ name: String, _ status: HealthCheck.Status) -> ConsulCheck {
        ConsulCheck(
            node: identity.node, id: id, name: name, status: status, serviceID: identity.serviceID,
            serviceName: instance.service.value, serviceTags: tags, createIndex: instance.createRevision.value,
            modifyIndex: instance.revision.value)
    }

    private func check(_ result: HealthCheck) -> ConsulCheck {
        let known = shadow.checks[result.id]
        let declared = instance.registration.check(result.id)
        let id = known == nil ? ConsulCheckID.of(result.id, serviceID: identity.serviceID) : result.id
        let name = [declared?.name, known?.name].lazy.compactMap { $0 }.first { !$0.isEmpty } ?? result.id
        var check = check(id, name, result.status)
        check.output = result.output
        check.notes = known?.notes ?? ""
        check.type = known?.type ?? declared?.kind.consulType ?? ""
        if known?.isStandalone ?? false { (check.interval, check.timeout) = ("0s", "0s") }
        check.definition = known?.definition
        return check
    }

    /// A lease that is renewed is what Consul calls a TTL check.
    private var lease: ConsulCheck? {
        guard instance.lease.kind != .none else { return nil }
        var check = check(
            ConsulCheckID.ofService(identity.serviceID), "Service '\(instance.service)' check",
            instance.leaseState == .lapsed ? .critical : .passing)
        check.type = "ttl"
        switch instance.leaseState {
        case .current: break
        case .lapsed: check.output = "TTL expired"
        // Clients that ask for passing instances only would else lose all of them at once, which is what the brake is
        // there to prevent.
        case .suspect: check.output = "TTL expired, together with many others: held to be there still"
        }
        return check
    }

    private var desired: ConsulCheck? {
        guard instance.desired != .enabled else { return nil }
        var check = check(
            ConsulCheckID.maintenance(of: identity.serviceID), "Service Maintenance Mode", .critical)
        check.type = "maintenance"
        let isDraining = if case .draining = instance.desired { true } else { false }
        let reason = instance.desired.reason
        check.notes = isDraining ? "draining\(reason.isEmpty ? "" : ": \(reason)")" : reason
        if check.notes.isEmpty { check.notes = ConsulCheckID.defaultReason("service") }
        return check
    }
}

extension ConsulCheck {
    fileprivate func with(output: String) -> ConsulCheck {
        var check = self
        check.output = output
        return check
    }
}

extension CheckDefinition.Kind {
    /// Consul's word for the kind.
    var consulType: String {
        if case .command = self { "script" } else { name }
    }
}

/// The identifiers that Consul gives to checks.
enum ConsulCheckID {
    static let nodeMaintenance = "_node_maintenance"
    static let serfHealth = "serfHealth"
    static let readinessPrefix = "_readiness:"
    private static let maintenancePrefix = "_service_maintenance:"

    /// Of the only check of a service.
    static func ofService(_ id: String) -> String { "service:\(id)" }

    /// Of a check that Consul did not name.
    static func of(_ id: String, serviceID: String) -> String { "service:\(serviceID):\(id)" }

    static func maintenance(of serviceID: String) -> String { maintenancePrefix + serviceID }

    /// Whether a check stands for maintenance, of a service or of a node.
    static func isMaintenance(_ id: String) -> Bool { id == nodeMaintenance || id.hasPrefix(maintenancePrefix) }

    static func defaultReason(_ what: String) -> String {
        "Maintenance mode is enabled for this \(what), but no reason was provided. This is a default message."
    }
}
