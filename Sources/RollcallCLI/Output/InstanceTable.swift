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
            .init("TAGS"), .init("LEASE"), .init("CHECKS"), .init("INCARNATION", .right), .init("NOTE"),
        ])
        for instance in instances {
            table.append([
                TextTable.Cell(instance.id.value), cell(instance.status), TextTable.Cell(instance.endpointURL),
                TextTable.Cell(instance.locality.zone), TextTable.Cell(instance.registration.version),
                TextTable.Cell(String(instance.weight)), TextTable.Cell(instance.tags.joined(separator: ",")),
                TextTable.Cell(lease(instance)), checks(instance), TextTable.Cell(String(instance.incarnation.value)),
                TextTable.Cell(note(instance)),
            ])
        }
        return table
    }

    /// The checks by name when there are few, else how many pass.
    private static func checks(_ instance: ServiceInstance) -> TextTable.Cell {
        guard let worst = instance.checks.map(\.status).max() else { return TextTable.Cell("") }
        let attribute: Style.Attribute =
            switch worst {
            case .passing: .green
            case .warning: .yellow
            case .critical: .red
            }
        guard instance.checks.count > 3 else {
            let list = instance.checks.map { "\($0.id)=\($0.status.rawValue)" }
            return TextTable.Cell(list.joined(separator: ","), attribute)
        }
        let passing = instance.checks.count { $0.status == .passing }
        return TextTable.Cell("\(passing)/\(instance.checks.count) passing", attribute)
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
            if let check = instance.checks.first(where: { $0.status == wanted }) {
                let reason = check.output.prefix { !$0.isNewline }
                return reason.isEmpty ? "check \(check.id)" : "check \(check.id): \(reason)"
            }
            return instance.leaseState == .lapsed ? "lease ran out" : ""
        }
    }
}
