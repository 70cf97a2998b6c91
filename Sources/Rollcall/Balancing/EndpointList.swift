// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The endpoints of a service that a request may go to, at one moment. Immutable.
public struct EndpointList: Sendable {
    /// Which endpoints these are.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        /// The healthy ones that are not ejected.
        case normal
        /// There is no healthy one; these are the suspect ones, whose leases ran out together with many others'.
        case suspect
        /// So few are healthy that they could not carry the load, or the health data is wrong: all that nobody took
        /// out of service on purpose.
        case panic
    }

    /// The service that all of the endpoints belong to.
    public let service: ServiceName
    /// The revision of the snapshot that the list was made from.
    public let revision: Revision
    /// Which endpoints these are.
    public let mode: Mode
    /// Sorted by identifier; weights are at least 1. Empty when nobody may be called.
    public let endpoints: [Endpoint]

    init(service: ServiceName, revision: Revision, mode: Mode, endpoints: [Endpoint]) {
        self.service = service
        self.revision = revision
        self.mode = mode
        self.endpoints = endpoints
    }

    /// The same list with some of its endpoints only, in their order: for balancers made of balancers.
    public func restricted(to endpoints: [Endpoint]) -> EndpointList {
        EndpointList(service: service, revision: revision, mode: mode, endpoints: endpoints)
    }

    /// Where `id` is in the list, or where it would be.
    func position(of id: InstanceID) -> Int {
        var low = 0
        var high = endpoints.count
        while low < high {
            let middle = (low + high) / 2
            if endpoints[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
