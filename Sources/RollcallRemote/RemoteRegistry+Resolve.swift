// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOHTTP1
public import Rollcall
internal import RollcallTransport

extension RemoteRegistry {
    /// The one instance of a service to call now, chosen by the server. Its turns are shared by everyone who asks it.
    ///
    /// - Parameters:
    ///   - tags: All of them have to be there.
    ///   - metadata: All of it has to be there.
    ///   - key: What requests that belong together share, for the policies that hash; others ignore it.
    /// - Throws: `unknownInstance` when there is none that may be called, or that no server could be asked.
    public func resolve(
        _ service: ServiceName, policy: BalancingPolicy = .roundRobin, tags: [String] = [], zone: String? = nil,
        region: String? = nil, metadata: [String: String] = [:], key: String? = nil
    ) async throws(RegistryError) -> ServiceInstance {
        guard !service.value.isEmpty else {
            throw .invalid("resolving a service", [FieldFault("service", "must not be empty")])
        }
        var path = RequestPath.service(service).adding("resolve").adding(query: "policy", policy.rawValue)
        for tag in tags { path = path.adding(query: "tag", tag) }
        if let zone { path = path.adding(query: "zone", zone) }
        if let region { path = path.adding(query: "region", region) }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            path = path.adding(query: "metadata.\(key)", value)
        }
        if let key { path = path.adding(query: "key", key) }
        let request = RemoteRequest(subject: "resolving \(service)", method: .GET, path: path)
        return try await call(request) { reader throws(JSONError) in try ServiceInstance(from: &reader) }
    }
}
