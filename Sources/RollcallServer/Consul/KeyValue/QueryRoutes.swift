// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import HashTreeCollections
internal import Rollcall
internal import RollcallConsul

/// `/v1/query…`.
extension ConsulAPI {
    static let queryRoutes = [
        ConsulRoute("GET", "POST", path: "/v1/query") { api, request throws(ConsulError) in
            request.method == "POST" ? try await api.createQuery(request) : try await api.listQueries(request)
        },
        ConsulRoute("GET", "PUT", "DELETE", path: "/v1/query/") { api, request throws(ConsulError) in
            for (suffix, perform) in [("/execute", executeQuery), ("/explain", explainQuery)]
            where request.rest.hasSuffix(suffix) {
                guard request.method == "GET" else {
                    throw ConsulError(405, "method \(request.method) not allowed", headers: [("Allow", "OPTIONS,GET")])
                }
                return try perform(api)(request, String(request.rest.dropLast(suffix.count)))
            }
            _ = try api.options(request)
            switch request.method {
            case "PUT": return try await api.updateQuery(request)
            case "DELETE":
                _ = try await api.submit(.deleteQuery(request.rest))
                return .empty
            default: return try await api.query(request)
            }
        },
    ]

    private static let unknownQuery = ConsulError(404, "Query not found")

    private func createQuery(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        _ = try options(request)
        let body = try request.decode()
        guard body["ID"]?.stringValue ?? "" == "" else {
            throw ConsulError(500, "ID must be empty when creating a new prepared query")
        }
        var query = try readQuery(ConsulUUID.random(), body)
        (query.createIndex, query.modifyIndex) = (0, 0)
        _ = try await submit(.storeQuery(query))
        return .json { writer in
            writer.beginObject()
            writer.field("ID", query.id)
            writer.endObject()
        }
    }

    private func updateQuery(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let body: JSONValue = request.body.isEmpty ? .null : try request.decode()
        guard try keyValues().state.queries[request.rest] != nil else {
            throw ConsulError(500, "Cannot modify non-existent prepared query: '\(request.rest)'")
        }
        var query = try readQuery(request.rest, body)
        // Says that it has to be there; the store puts in what it is.
        query.createIndex = 1
        _ = try await submit(.storeQuery(query))
        return .empty
    }

    private func readQuery(_ id: String, _ body: JSONValue) throws(ConsulError) -> PreparedQuery {
        let query: PreparedQuery
        do {
            query = try PreparedQuery(id: id, body)
        } catch {
            throw .decoding("\(error)")
        }
        if let fault = query.fault { throw ConsulError(500, "Invalid prepared query: \(fault)") }
        return query
    }

    private func listQueries(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        return try await block(
            request, options, on: try keyValues(), .queries, headers: { options.headers(index: $0) }
        ) { state in
            (state.queryIndex, { Self.list(state.queries.values.sorted { $0.id < $1.id }) })
        }
    }

    private func query(_ request: ConsulRequest) async throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        let store = try keyValues()
        let id = request.rest
        return try await BlockingQuery.run(
            options, on: request.eventLoop, waking: [store.source(.queries)],
            headers: { options.headers(index: $0) }
        ) { () throws(ConsulError) in
            let state = store.state
            guard let query = state.queries[id] else { throw Self.unknownQuery }
            return BlockingQuery.Reading(index: state.queryIndex) { () throws(ConsulError) in Self.list([query]) }
        }
    }

    private static func list(_ queries: [PreparedQuery]) -> ConsulAnswer {
        .json(capacity: 16 + queries.count * 640) { writer in writer.array(queries) { $0.write(to: &$1) } }
    }

    private func explainQuery(_ request: ConsulRequest, _ name: String) throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        guard let query = try keyValues().state.resolveQuery(name) else { throw Self.unknownQuery }
        return .json { writer in
            writer.beginObject()
            writer.key("Query")
            query.write(to: &writer)
            ReadFacts.write(consistency: options.consistency.rawValue, to: &writer)
            writer.endObject()
        }.adding(options.headers(index: 1))
    }

    private func executeQuery(_ request: ConsulRequest, _ name: String) throws(ConsulError) -> ConsulAnswer {
        let options = try options(request)
        guard let query = try keyValues().state.resolveQuery(name) else { throw Self.unknownQuery }
        let limitText = request.query.first("limit") ?? ""
        guard let limit = limitText.isEmpty ? 0 : Int(limitText) else {
            throw ConsulError(500, "Bad limit: strconv.Atoi: parsing \"\(limitText)\": invalid syntax")
        }
        var chosen = entries(of: query.service).entries.filter(query.matches)
        if query.near.isEmpty, request.query.first("near") == nil { chosen.shuffle() }
        if limit > 0 { chosen = Array(chosen.prefix(limit)) }
        return ConsulAnswer.json(capacity: 256 + chosen.count * 1600) { writer in
            writer.beginObject()
            writer.field("Service", query.service)
            writer.key("Nodes")
            writer.array(chosen) { $0.writeHealth(to: &$1) }
            writer.key("DNS")
            query.writeDNS(to: &writer)
            writer.field("Datacenter", configuration.datacenter)
            writer.field("Failovers", 0)
            ReadFacts.write(consistency: options.consistency.rawValue, to: &writer)
            writer.endObject()
        }.adding(options.headers(index: 1))
    }
}
