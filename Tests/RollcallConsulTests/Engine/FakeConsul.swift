// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import RollcallConsul

/// A datacenter of Consul as the engine needs it, in memory: agents on nodes, and the catalog of all of them. Time is
/// moved by the test. Answers, texts and indexes are as recorded of Consul 1.10.
actor FakeConsul {
    struct Request: Sendable {
        var method: String
        /// Decoded segments after `/v1`.
        var path: [String]
        var query: [String: String]
        var body: String
        var token: String?

        var index: UInt64? { query["index"].flatMap { UInt64($0) } }
    }

    struct Answer: Sendable {
        var status = 200
        var body = ""
        var index: UInt64?
    }

    private struct Check {
        var shown: ConsulCheck
        var ttl: Duration?
        var deregisterAfter: Duration?
        /// When it was reported last, and since when it is critical.
        var reportedAt: Duration
        var criticalSince: Duration?
    }

    private struct Held: Hashable {
        var node: String
        var id: String
    }

    private var services: [Held: ConsulService] = [:]
    private var checks: [Held: Check] = [:]
    private var index: UInt64
    private var indexes: [String: UInt64] = [:]
    /// Of the last change that took a service's last instance.
    private var vanishedIndex: UInt64
    private var listIndex: UInt64
    private var now = Duration.zero
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private(set) var requests: [Request] = []
    private var failing: Answer?
    private let token: String?

    init(index: UInt64 = 10, token: String? = nil) {
        self.index = index
        vanishedIndex = index
        listIndex = index
        self.token = token
    }

    // MARK: What a test does

    /// Lets time pass: TTL checks run out, and services that are critical for too long are removed.
    func advance(by duration: Duration) {
        now += duration
        for (held, check) in checks {
            guard let ttl = check.ttl, check.reportedAt + ttl <= now, check.shown.status != .critical else { continue }
            checks[held]?.criticalSince = check.reportedAt + ttl
            set(held, .critical, "TTL expired")
        }
        for check in checks.values {
            guard let after = check.deregisterAfter, let since = check.criticalSince else { continue }
            if since + max(after, .seconds(60)) <= now {
                remove(Held(node: check.shown.node, id: check.shown.serviceID))
            }
        }
    }

    /// Every answer from now on; `nil` ends that.
    func fail(with answer: Answer?) {
        failing = answer
        wake()
    }

    /// As after a restore from an old snapshot: everything is as it is, under lower indexes.
    func loseHistory(index: UInt64) {
        self.index = index
        vanishedIndex = index
        listIndex = index
        for name in indexes.keys { indexes[name] = index }
        wake()
    }

    /// Moves the index of a service without changing it, as Consul does now and then.
    func touch(_ name: String) {
        index += 1
        indexes[name] = index
        wake()
    }

    /// Wakes every query that waits.
    func wake() {
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    var queriesWaiting: Int { waiters.count }

    // MARK: What an agent does

    func answer(_ request: Request, node: String) async -> Answer {
        requests.append(request)
        if let failing { return failing }
        if let token, request.token != token { return Answer(status: 403, body: "Permission denied") }
        switch (request.method, request.path.first, request.path.dropFirst().first) {
        case ("GET", "health", "service"):
            let filter: Filter?
            do {
                filter = try request.query["filter"].map { try Filter.parse($0, schema: .serviceHealth) }
            } catch {
                return Answer(status: 500, body: "\(error)")
            }
            return await blocking(request) { self.health(request.path.last ?? "", filter) }
        case ("GET", "catalog", "services"): return await blocking(request) { self.list() }
        case ("GET", "agent", "self"): return Answer(body: #"{"Config":{"NodeName":"\#(node)"},"Stats":null}"#)
        case ("PUT", "agent", "service"): return service(request, node)
        case ("PUT", "agent", "check"): return check(request, node)
        default: return Answer(status: 404, body: "")
        }
    }

    private func blocking(_ request: Request, _ read: () -> Answer) async -> Answer {
        while true {
            if let failing { return failing }
            let answer = read()
            guard let seen = request.index, let index = answer.index, index <= seen else { return answer }
            // A history that began anew is told at once.
            if index < seen, self.index < seen { return answer }
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    private func health(_ name: String, _ filter: Filter?) -> Answer {
        var writer = JSONWriter()
        writer.beginArray()
        let members = services.filter { $0.value.name == name }
        for (held, service) in members.sorted(by: { ($0.key.node, $0.key.id) < ($1.key.node, $1.key.id) }) {
            let entry = entry(held, service)
            if let filter, !filter.matches(entry) { continue }
            writer.beginObject()
            writer.key("Node")
            entry.node.write(to: &writer)
            writer.key("Service")
            service.writeNodeService(to: &writer)
            writer.key("Checks")
            writer.beginArray()
            for check in entry.checks { check.write(to: &writer) }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        return Answer(
            body: String(decoding: writer.bytes, as: UTF8.self),
            index: members.isEmpty ? vanishedIndex : indexes[name] ?? index)
    }

    private func entry(_ held: Held, _ service: ConsulService) -> ConsulHealthEntry {
        let serf = ConsulCheck(
            node: held.node, id: "serfHealth", name: "Serf Health Status", status: .passing,
            output: "Agent alive and reachable", createIndex: 1, modifyIndex: 1)
        let own = checks.values.map(\.shown).filter { $0.node == held.node && $0.serviceID == held.id }
        return ConsulHealthEntry(
            node: ConsulNode(name: held.node, address: "10.9.9.9", datacenter: "dc1"), service: service,
            checks: [serf] + own.sorted { $0.id < $1.id })
    }

    private func list() -> Answer {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, members) in Dictionary(grouping: services.values, by: \.name).sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            writer.texts(Set(members.flatMap(\.tags)).sorted())
        }
        writer.key("consul")
        writer.texts([])
        writer.endObject()
        return Answer(body: String(decoding: writer.bytes, as: UTF8.self), index: listIndex)
    }

    // MARK: Services

    private func service(_ request: Request, _ node: String) -> Answer {
        let held = Held(node: node, id: request.path.last ?? "")
        switch request.path[2] {
        case "register": return register(request, node)
        case "deregister":
            guard services[held] != nil else {
                return Answer(status: 404, body: "Unknown service ID \"\(held.id)\". Ensure that the ID is passed")
            }
            remove(held)
        case "maintenance":
            guard services[held] != nil else { return Answer(status: 404, body: "Unknown service ID \"\(held.id)\"") }
            let check = Held(node: node, id: "_service_maintenance:\(held.id)")
            if request.query["enable"] == "true" {
                if checks[check] == nil {
                    add(check, of: held, "Service Maintenance Mode", .critical, type: "maintenance")
                    checks[check]?.shown.notes = request.query["reason"] ?? ""
                }
            } else if checks[check] != nil {
                checks[check] = nil
                change(held)
            }
        default: return Answer(status: 404, body: "")
        }
        return Answer()
    }

    private func register(_ request: Request, _ node: String) -> Answer {
        guard let json = try? JSONValue.parse(Array(request.body.utf8)), let name = json["Name"]?.stringValue,
            let id = json["ID"]?.stringValue
        else { return Answer(status: 400, body: "Request decode failed: EOF") }
        let held = Held(node: node, id: id)
        var service = ConsulService(id: id, name: name)
        service.tags = json["Tags"]?.arrayValue?.compactMap(\.stringValue) ?? []
        service.address = json["Address"]?.stringValue ?? ""
        service.port = Int(json["Port"]?.intValue ?? 0)
        for member in json["Meta"]?.objectValue ?? [] { service.meta[member.key] = member.value.stringValue }
        service.passingWeight = Int(json["Weights"]?["Passing"]?.intValue ?? 1)
        service.warningWeight = Int(json["Weights"]?["Warning"]?.intValue ?? 1)
        service.createIndex = services[held]?.createIndex ?? index + 1
        service.modifyIndex = services[held]?.modifyIndex ?? 0
        if services[held] != service {
            if let former = services[held], former.name != name { remove(held) }
            services[held] = service
            change(held)
            services[held]?.modifyIndex = index
        }
        for json in json["Checks"]?.arrayValue ?? [] { add(json, of: held) }
        return Answer()
    }

    private func remove(_ held: Held) {
        guard let service = services.removeValue(forKey: held) else { return }
        checks = checks.filter { $0.value.shown.node != held.node || $0.value.shown.serviceID != held.id }
        index += 1
        listIndex = index
        indexes[service.name] = index
        if !services.values.contains(where: { $0.name == service.name }) { vanishedIndex = index }
        wake()
    }

    private func change(_ held: Held) {
        index += 1
        listIndex = index
        if let name = services[held]?.name { indexes[name] = index }
        wake()
    }

    // MARK: Checks

    private func check(_ request: Request, _ node: String) -> Answer {
        let held = Held(node: node, id: request.path.last ?? "")
        guard request.path[2] != "register" else {
            guard let json = try? JSONValue.parse(Array(request.body.utf8)),
                let id = json["ServiceID"]?.stringValue, services[Held(node: node, id: id)] != nil
            else { return Answer(status: 400, body: "ServiceID does not exist") }
            add(json, of: Held(node: node, id: id))
            return Answer()
        }
        guard let check = checks[held] else {
            return Answer(status: 404, body: "Unknown check ID \"\(held.id)\". Ensure that the check ID is passed")
        }
        if request.path[2] == "deregister" {
            checks[held] = nil
            change(Held(node: node, id: check.shown.serviceID))
            return Answer()
        }
        guard check.ttl != nil else {
            return Answer(status: 500, body: "CheckID \"\(held.id)\" does not have associated TTL")
        }
        let json = try? JSONValue.parse(Array(request.body.utf8))
        guard let status = json?["Status"]?.stringValue.flatMap({ HealthCheck.Status(rawValue: $0) }) else {
            return Answer(status: 400, body: "Invalid check status")
        }
        checks[held]?.reportedAt = now
        checks[held]?.criticalSince = status == .critical ? check.criticalSince ?? now : nil
        set(held, status, json?["Output"]?.stringValue ?? "")
        return Answer()
    }

    private func set(_ held: Held, _ status: HealthCheck.Status, _ output: String) {
        guard let check = checks[held], check.shown.status != status || check.shown.output != output else { return }
        checks[held]?.shown.status = status
        checks[held]?.shown.output = output
        change(Held(node: held.node, id: check.shown.serviceID))
        checks[held]?.shown.modifyIndex = index
    }

    /// Registers a check. One that is there keeps its status.
    private func add(_ json: JSONValue, of held: Held) {
        let id = json["CheckID"]?.stringValue ?? json["ID"]?.stringValue ?? ""
        let check = Held(node: held.node, id: id)
        func duration(_ name: String) -> Duration? { json[name]?.stringValue.flatMap { try? GoDuration.parse($0) } }
        if checks[check] == nil {
            let type = json["TTL"] != nil ? "ttl" : json["HTTP"] != nil ? "http" : "tcp"
            let status = json["Status"]?.stringValue.flatMap { HealthCheck.Status(rawValue: $0) } ?? .critical
            add(check, of: held, json["Name"]?.stringValue ?? "", status, type: type)
        }
        checks[check]?.ttl = duration("TTL")
        checks[check]?.deregisterAfter = duration("DeregisterCriticalServiceAfter")
        checks[check]?.reportedAt = now
    }

    private func add(_ check: Held, of held: Held, _ name: String, _ status: HealthCheck.Status, type: String) {
        let service = services[held]
        change(held)
        let shown = ConsulCheck(
            node: held.node, id: check.id, name: name, status: status, serviceID: held.id,
            serviceName: service?.name ?? "", serviceTags: service?.tags ?? [], type: type, createIndex: index,
            modifyIndex: index)
        checks[check] = Check(
            shown: shown, reportedAt: now, criticalSince: status == .critical ? now : nil)
    }
}
