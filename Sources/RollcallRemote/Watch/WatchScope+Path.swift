// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Rollcall
internal import RollcallTransport

extension WatchScope {
    /// Where the scope is watched; `nil` when no service can be in it.
    ///
    /// A scope of more services than fit a request is watched as all services: what does not belong to it is left out
    /// by ``contains(_:)`` on this side.
    var path: RequestPath? {
        switch self {
        case .all: return .watch(nil)
        case .service(let name): return name.value.isEmpty ? nil : .watch([name])
        case .services(let names):
            let named = names.filter { !$0.value.isEmpty }.sorted()
            guard !named.isEmpty else { return nil }
            let path = RequestPath.watch(named)
            let fits = named.count <= Self.servicesInRequest && path.description.utf8.count <= Self.pathBytes
            return fits ? path : .watch(nil)
        }
    }

    /// A server takes 256 (its default).
    private static let servicesInRequest = 128
    /// What servers and proxies let a request line have is 8 KiB as a rule.
    private static let pathBytes = 4096
}
