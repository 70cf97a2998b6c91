// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// What the engine calls services, instances and checks in Consul.
enum ConsulNaming {
    /// Services whose names differ in case only are one service here and two in Consul: they are registered in lower
    /// case, as DNS asks for them.
    static func service(_ name: ServiceName) -> String { name.folded }

    /// The names under which a service may stand in Consul: ours, and the very spelling of one that others registered.
    static func spellings(of name: ServiceName) -> [String] {
        let folded = name.folded
        return name.value == folded ? [folded] : [folded, name.value]
    }

    /// Identifiers are unique on a node in Consul, and in a service here: the service comes first. What could disturb a
    /// path is written as `~` and two digits; nothing is read out of the result.
    static func id(_ key: InstanceKey) -> String { "\(escaped(key.service.folded)):\(escaped(key.id.value))" }

    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a") ... UInt8(ascii: "z"), UInt8(ascii: "A") ... UInt8(ascii: "Z"),
                UInt8(ascii: "0") ... UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "@"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "~"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The filter that leaves what may be this instance, of a service that may be large; `nil` when it cannot be told.
    static func filter(for key: InstanceKey) -> String? {
        let own = "Service.ID == `\(id(key))`"
        // One that others registered is called `ID@node`.
        guard let at = key.id.value.lastIndex(of: "@") else { return own }
        let (foreign, node) = (key.id.value[..<at], key.id.value[at...].dropFirst())
        guard !(foreign + node).utf8.contains(where: { $0 == UInt8(ascii: "`") || $0 < 0x20 }) else { return nil }
        return "\(own) or Service.ID == `\(foreign)` and Node.Node == `\(node)`"
    }

    /// The check that stands for the lease of one life: a heartbeat of a former life finds none.
    static func leaseCheck(_ serviceID: String, _ incarnation: Incarnation) -> String {
        "\(leasePrefix)\(serviceID):\(incarnation)"
    }

    static let leasePrefix = "lease:"

    /// The check that keeps others away from an instance that is starting.
    static func readinessCheck(_ serviceID: String) -> String { "readiness:\(serviceID)" }

    static func check(_ id: String, _ serviceID: String) -> String { "check:\(serviceID):\(id)" }

    /// The check of ours that is called so; `nil` for a check that others made.
    static func checkID(_ name: String, _ serviceID: String) -> String? {
        let prefix = "check:\(serviceID):"
        return name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : nil
    }

    static func maintenanceCheck(_ serviceID: String) -> String { "_service_maintenance:\(serviceID)" }

    static let nodeMaintenance = "_node_maintenance"

    /// What the servers of Consul register themselves as.
    static let consulItself = "consul"
}
