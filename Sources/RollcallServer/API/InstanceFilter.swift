// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall

/// Which instances of a service are asked for. All conditions have to hold.
struct InstanceFilter: Hashable, Sendable {
    var healthyOnly = false
    var tags: [String] = []
    var zone: String?
    var region: String?
    var metadata: [String: String] = [:]

    /// The query parameters that a filter is read from.
    static let parameters = ["healthy", "tag", "zone", "region", "metadata."]

    init() {}

    init(_ query: QueryParameters) throws(APIProblem) {
        if let text = query.first("healthy") {
            guard let value = Bool(text) else {
                throw APIProblem(malformed: "the parameter healthy must be true or false, found \"\(text)\"")
            }
            healthyOnly = value
        }
        tags = query.values(of: "tag")
        zone = query.first("zone")
        region = query.first("region")
        for name in query.keys where name.hasPrefix("metadata.") {
            metadata[String(name.dropFirst("metadata.".count))] = query.first(name)
        }
    }

    var isEmpty: Bool { self == InstanceFilter() }

    /// What the texts in it take up.
    var byteCount: Int {
        let texts = tags + [zone ?? "", region ?? ""] + metadata.keys + metadata.values
        return texts.reduce(0) { $0 + $1.utf8.count }
    }

    func matches(_ instance: ServiceInstance) -> Bool {
        if healthyOnly && !instance.status.isHealthy { return false }
        if let zone, instance.locality.zone != zone { return false }
        if let region, instance.locality.region != region { return false }
        if !tags.allSatisfy(instance.tags.contains) { return false }
        return metadata.allSatisfy { instance.metadata[$0.key] == $0.value }
    }
}
