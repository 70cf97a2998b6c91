// SPDX-License-Identifier: Apache-2.0
// Rollcall

package import Rollcall

extension WatchScope {
    /// Whether the service belongs to the scope.
    package func contains(_ service: ServiceName) -> Bool {
        switch self {
        case .all: true
        case .service(let name): name == service
        case .services(let names): names.contains(service)
        }
    }
}
