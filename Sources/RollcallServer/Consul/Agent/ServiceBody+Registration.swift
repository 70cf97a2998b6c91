// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension ServiceBody {
    /// The service as the registry holds it: what the model lacks is in the shadow.
    ///
    /// - Parameters:
    ///   - node: The node that it is on; its address is that of a service without one.
    ///   - agentNode: The agent's own node.
    ///   - checks: What it declares, with what only Consul knows of each check.
    func registration(
        on node: ConsulNode, agentNode: String, checks: [CheckDefinition] = [],
        checkShadows: [String: ConsulShadow.Check] = [:]
    ) -> Registration {
        var shadow = ConsulShadow()
        shadow.kind = kind
        shadow.socketPath = socketPath
        shadow.taggedAddresses = taggedAddresses
        shadow.enableTagOverride = enableTagOverride
        shadow.warningWeight = weights?.warning ?? 1
        shadow.checks = checkShadows
        let identity = ConsulIdentity(node: node.name, serviceID: id)
        var registration = Registration(
            service: ServiceName(name), id: identity.instanceID(agentNode: agentNode), host: address, port: 0,
            node: node.name, lease: .permanent)
        if address.isEmpty {
            registration.host = node.address
            shadow.address = ""
        }
        registration.port = UInt16(exactly: port) ?? 0
        if Int(registration.port) != port { shadow.port = port }
        registration.weight = UInt16(clamping: weights?.passing ?? 1)
        if let passing = weights?.passing, passing != Int(registration.weight) { shadow.passingWeight = passing }
        registration.tags = Self.modelTags(tags)
        if registration.tags != tags { shadow.tags = tags }
        registration.metadata = meta
        registration.checks = checks
        registration.keep(shadow)
        return registration
    }

    /// Those that the model can hold: each once, none empty, none with control characters, and not too many.
    private static func modelTags(_ tags: [String]) -> [String] {
        let limits = ModelLimits.standard
        var seen: Set<String> = []
        let fit = tags.filter { tag in
            !tag.isEmpty && tag.utf8.count <= limits.tagBytes && tag.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
                && seen.insert(tag).inserted
        }
        return Array(fit.prefix(limits.tags))
    }
}

extension Registration {
    /// Keeps what only Consul knows; nothing when that is nothing.
    mutating func keep(_ shadow: ConsulShadow) {
        shadows[ConsulShadow.name] = shadow == ConsulShadow() ? nil : shadow.json
    }
}
