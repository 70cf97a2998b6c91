// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallTransport

/// The paths of the native API.
extension RequestPath {
    init() { self.init("/api/v1") }

    static let services = RequestPath().adding("services")
    static let heartbeats = RequestPath().adding("heartbeats")

    static func service(_ service: ServiceName) -> RequestPath { services.adding(service.value) }

    static func instance(_ key: InstanceKey) -> RequestPath {
        service(key.service).adding("instances").adding(key.id.value)
    }

    /// The stream that follows these services; `nil` is all of them.
    static func watch(_ services: [ServiceName]?) -> RequestPath {
        var path = RequestPath().adding("watch")
        for service in services ?? [] { path = path.adding(query: "service", service.value) }
        return path
    }

    func adding(_ incarnation: Incarnation?) -> RequestPath {
        guard let incarnation else { return self }
        return adding(query: "incarnation", incarnation.description)
    }
}
