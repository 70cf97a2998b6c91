// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallConsul

extension ConsulAPI {
    static let healthRoutes = [
        ConsulRoute("GET", path: "/v1/health/service/", ConsulAPI.healthService),
        ConsulRoute("GET", path: "/v1/health/checks/", ConsulAPI.healthChecks),
        ConsulRoute("GET", path: "/v1/health/node/", ConsulAPI.healthNode),
        ConsulRoute("GET", path: "/v1/health/state/", ConsulAPI.healthState),
    ]

    private func healthService(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let name = try request.rest(orMissing: "Missing service name")
        let passing = request.query.first("passing")
        let onlyPassing = passing.map { $0.isEmpty ? true : GoBool.parse($0) }
        let tags = request.query.values(of: "tag")
        let filter = try RowFilter<ConsulEntry>(options.filter, .serviceHealth)
        return try await block(request, options, waking: sources(of: ServiceName(name))) { () throws(ConsulError) in
            let (index, entries) = entries(of: name)
            return BlockingQuery.Reading(index: index) { () throws(ConsulError) in
                if case .some(.none) = onlyPassing {
                    throw ConsulError(400, "Invalid value for ?passing", headers: options.headers(index: index))
                }
                let shown = entries.filter { entry in
                    entry.matches(tags: tags) && entry.matches(nodeMeta: options.nodeMeta) && filter.matches(entry)
                        && (onlyPassing != true || entry.isPassing)
                }
                return Self.healthAnswer(shown)
            }
        }
    }

    private func healthChecks(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let name = try request.rest(orMissing: "Missing service name")
        let filter = try RowFilter<ConsulCheck>(options.filter, .checks)
        return try await block(request, options, waking: sources(of: ServiceName(name))) { () throws(ConsulError) in
            let (index, entries) = entries(of: name)
            return BlockingQuery.Reading(index: index) { () throws(ConsulError) in
                let checks = entries.filter { $0.matches(nodeMeta: options.nodeMeta) }.flatMap(\.checks)
                let shown = checks.filter { !$0.serviceID.isEmpty && filter.matches($0) }
                return Self.list(shown.sorted { ($0.node, $0.id) < ($1.node, $1.id) })
            }
        }
    }

    private func healthNode(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let name = try request.rest(orMissing: "Missing node name")
        let filter = try RowFilter<ConsulCheck>(options.filter, .checks)
        return try await block(request, options, waking: allSources) { () throws(ConsulError) in
            BlockingQuery.Reading(index: tableIndex) { [self] () throws(ConsulError) in
                var checks = nodes[name]?.checks ?? []
                for instance in view.instances(on: name) { checks += projection(instance).checks }
                return Self.list(checks.filter(filter.matches).sorted { $0.id < $1.id })
            }
        }
    }

    private func healthState(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let state = try request.rest(orMissing: "Missing check state")
        let filter = try RowFilter<ConsulCheck>(options.filter, .checks)
        return try await block(request, options, waking: allSources) { () throws(ConsulError) in
            BlockingQuery.Reading(index: tableIndex) { [self] () throws(ConsulError) in
                let shown = allChecks().filter { check, node in
                    (state == "any" || check.status.rawValue == state) && node.matches(nodeMeta: options.nodeMeta)
                        && filter.matches(check)
                }
                return Self.list(shown.map(\.check))
            }
        }
    }

    static func healthAnswer(_ entries: [ConsulEntry]) -> ConsulAnswer {
        .json(capacity: 64 + entries.count * 1600) { writer in
            writer.array(entries) { $0.writeHealth(to: &$1) }
        }
    }

    private static func list(_ checks: [ConsulCheck]) -> ConsulAnswer {
        .json(capacity: 64 + checks.count * 384) { writer in writer.array(checks) { $0.write(to: &$1) } }
    }
}

extension JSONWriter {
    /// Appends an array of what `write` appends for each element.
    mutating func array<Element>(_ elements: [Element], _ write: (Element, inout JSONWriter) -> Void) {
        beginArray()
        for element in elements { write(element, &self) }
        endArray()
    }
}

/// The truth values that Go reads from text.
enum GoBool {
    static func parse(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }
}
