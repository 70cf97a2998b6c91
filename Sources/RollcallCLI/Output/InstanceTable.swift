// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// How services and instances look on a terminal.
enum InstanceTable {
    /// The colour of a status: green may be called, red may not, yellow is a matter of judgement.
    static func attribute(_ status: InstanceStatus) -> Style.Attribute {
        switch status {
        case .up: .green
        case .warning, .starting, .draining, .suspect: .yellow
        case .down, .outOfService: .red
        }
    }

    static func cell(_ status: InstanceStatus) -> TextTable.Cell {
        TextTable.Cell(status.rawValue, attribute(status))
    }

    static func services(_ services: [ServiceSummary]) -> TextTable {
        var table = TextTable([
            .init("SERVICE"), .init("INSTANCES", .right), .init("HEALTHY", .right), .init("TAGS"),
        ])
        for service in services {
            let isShort = service.healthy < service.instances
            table.append([
                TextTable.Cell(service.service.value), "\(String(service.instances))",
                TextTable.Cell(String(service.healthy), isShort ? .yellow : .green),
                TextTable.Cell(service.tags.joined(separator: ",")),
            ])
        }
        return table
    }

    static func instances(_ instances: [ServiceInstance]) -> TextTable {
        var table = TextTable([
            .init("ID"), .init("STATUS"), .init("ENDPOINT"), .init("ZONE"), .init("VERSION"), .init("WEIGHT", .right),
            .init("TAGS"), .init("LEASE"), .init("INCARNATION", .right), .init("NOTE"),
        ])
        for instance in instances {
            table.append([
                TextTable.Cell(instance.id.value), cell(instance.status), TextTable.Cell(instance.endpointURL),
                TextTable.Cell(instance.locality.zone), TextTable.Cell(instance.registration.version),
                TextTable.Cell(String(instance.weight)), TextTable.Cell(instance.tags.joined(separator: ",")),
                TextTable.Cell(lease(instance)), TextTable.Cell(String(instance.incarnation.value)),
                TextTable.Cell(note(instance)),
            ])
        }
        return table
    }

    private static func lease(_ instance: ServiceInstance) -> String {
        switch instance.lease.kind {
        case .heartbeat: instance.lease.ttl.brief
        case .connection: "connection"
        case .none: "none"
        }
    }

    /// Why the instance is not plainly up.
    private static func note(_ instance: ServiceInstance) -> String {
        switch instance.status {
        case .draining, .outOfService: return instance.desired.reason
        case .suspect: return "lease ran out, eviction held back"
        case .up, .starting: return ""
        case .warning, .down:
            let wanted: HealthCheck.Status = instance.status == .warning ? .warning : .critical
            if let check = instance.checks.first(where: { $0.status == wanted }) { return "check \(check.id)" }
            return instance.leaseState == .lapsed ? "lease ran out" : ""
        }
    }
}
