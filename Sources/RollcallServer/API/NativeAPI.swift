// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall

/// The native API: from a request to an answer. It knows no transport.
struct NativeAPI: Sendable {
    let registry: any CatalogRegistry
    let balancers = BalancerTable()
    let page: MetricsPage
    let readiness: ServerReadiness
    /// Of a registration that names neither of the lease's times.
    let defaultLease: LeaseTerms
    /// `nil` when this server runs no checks.
    let checks: HealthChecks?

    func answer(_ request: APIRequest) async -> APIAnswer {
        do throws(APIProblem) {
            try request.checkQuery()
            return try await route(request)
        } catch {
            return error.answer
        }
    }

    private func route(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        switch request.route {
        case .listServices: return listServices()
        case .readService: return try readService(request)
        case .resolve: return try resolve(request)
        case .readInstance: return try readInstance(request)
        case .register: return try await register(request)
        case .deregister: return try await deregister(request)
        case .heartbeat: return try await heartbeat(request)
        case .setState: return try await setState(request)
        case .setReadiness: return try await setReadiness(request)
        case .reportCheck: return try await reportCheck(request)
        case .removeCheck: return try await update(request, .removeCheck(id: request.parameters["check"] ?? ""))
        case .heartbeats: return try await heartbeats(request)
        case .readBrake: return readBrake()
        case .releaseBrake: return try await releaseBrake(request)
        case .openAPI: return .json(Array(OpenAPIDocument.text.utf8))
        case .live: return .json(Array(#"{"status":"ok"}"#.utf8))
        case .ready: return ready()
        case .metrics: return metrics()
        case .watch: preconditionFailure("watches are served by the connection's event loop")
        }
    }

    // MARK: Operation

    private func readBrake() -> APIAnswer {
        let statistics = registry.statistics
        return .json { writer in
            writer.beginObject()
            writer.key("fleet")
            writer.beginObject()
            writer.field("engaged", statistics.isFleetBraked)
            writer.field("suspects", statistics.heldEvictions)
            writer.endObject()
            writer.key("services")
            writer.beginArray()
            for service in statistics.brakedServices { writer.string(service.value) }
            writer.endArray()
            writer.endObject()
        }
    }

    private func releaseBrake(_ request: APIRequest) async throws(APIProblem) -> APIAnswer {
        let service = request.query.first("service").map { ServiceName($0) }
        // A misspelt name would otherwise look like a success, while the brake stays engaged.
        if let service, registry.catalog.snapshot(of: service).isEmpty {
            throw APIProblem(
                RegistryError(
                    .unknownInstance, "release of the brake: the service \"\(service)\" has no instances"))
        }
        await registry.releaseBrake(service)
        return .noContent
    }

    private func ready() -> APIAnswer {
        if readiness.isReady { return .json(Array(#"{"status":"ok"}"#.utf8)) }
        return .json(Array(#"{"status":"stopping"}"#.utf8), status: 503)
    }

    private func metrics() -> APIAnswer {
        APIAnswer(
            status: 200, headers: [("content-type", PrometheusText.mediaType)],
            body: Array(page.text(registry.statistics, registry.catalog).utf8))
    }
}
