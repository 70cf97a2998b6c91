// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

/// What load balancers ask of an agent: whether its services are well, in the status of the answer.
extension ConsulAPI {
    static let agentHealthRoutes = [
        ConsulRoute("GET", path: "/v1/agent/health/service/id/", ConsulAPI.agentHealthByID),
        ConsulRoute("GET", path: "/v1/agent/health/service/name/", ConsulAPI.agentHealthByName),
    ]

    private func agentHealthByID(_ request: ConsulRequest) throws(ConsulError) -> ConsulAnswer {
        let id = try request.rest(orMissing: "Missing serviceID")
        guard let instance = agentInstance(id) else {
            return Self.answer(request, status: 404, reason: "ServiceId \(id) not found") { writer in
                writer.beginObject()
                writer.field("AggregatedStatus", "critical")
                writer.key("Service")
                writer.null()
                writer.key("Checks")
                writer.null()
                writer.endObject()
            }
        }
        let health = health(of: instance)
        return Self.answer(request, status: health.status.code, reason: health.status.rawValue) { writer in
            health.write(datacenter: configuration.datacenter, to: &writer)
        }
    }

    private func agentHealthByName(_ request: ConsulRequest) throws(ConsulError) -> ConsulAnswer {
        let name = try request.rest(orMissing: "Missing service Name")
        let all = view.instances(on: agentNode).filter { $0.service.value == name }.map(health)
        guard let worst = all.map(\.status).max() else {
            return Self.answer(request, status: 404, reason: "ServiceName \(name) Not Found") { writer in
                writer.beginArray()
                writer.endArray()
            }
        }
        return Self.answer(request, status: worst.code, reason: worst.rawValue) { writer in
            writer.array(all) { $0.write(datacenter: configuration.datacenter, to: &$1) }
        }
    }

    private func health(of instance: ServiceInstance) -> AgentHealth {
        let projection = projection(instance)
        let node = (nodes[agentNode]?.checks ?? []).filter { $0.id != ConsulCheckID.serfHealth }
        return AgentHealth(service: projection.service, checks: (node + projection.checks).sorted { $0.id < $1.id })
    }

    private static func answer(
        _ request: ConsulRequest, status: Int, reason: String, _ write: (inout JSONWriter) -> Void
    ) -> ConsulAnswer {
        let isText = request.accept.hasPrefix("text/plain") || request.query.first("format") == "text"
        let answer: ConsulAnswer =
            isText
            ? .text(reason, status: status, type: "text/plain") : .json(status: status, capacity: 1024, write)
        return answer.adding([("X-Consul-Reason", reason)])
    }
}

/// A service of the agent with all checks that concern it.
private struct AgentHealth {
    /// What its checks come to. Of a critical one and one in maintenance, the critical one is told.
    enum Status: String, Comparable {
        case passing, warning, maintenance, critical

        var code: Int {
            switch self {
            case .passing: 200
            case .warning: 429
            case .maintenance, .critical: 503
            }
        }

        private var severity: Int {
            switch self {
            case .passing: 0
            case .warning: 1
            case .maintenance: 2
            case .critical: 3
            }
        }

        static func < (left: Status, right: Status) -> Bool { left.severity < right.severity }
    }

    let service: ConsulService
    let checks: [ConsulCheck]

    var status: Status {
        if checks.contains(where: { ConsulCheckID.isMaintenance($0.id) }) { return .maintenance }
        switch checks.map(\.status).max() {
        case .critical: return .critical
        case .warning: return .warning
        case .passing, nil: return .passing
        }
    }

    func write(datacenter: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.field("AggregatedStatus", status.rawValue)
        writer.key("Service")
        service.writeAgentService(datacenter: datacenter, to: &writer)
        writer.key("Checks")
        writer.array(checks) { $0.withoutIndexes.writeOfAgentHealth(to: &$1) }
        writer.endObject()
    }
}
