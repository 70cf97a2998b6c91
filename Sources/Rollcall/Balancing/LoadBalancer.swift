// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// A way of sharing requests out among the endpoints of a service: makes a ``Picker`` for each list.
///
/// **Contract.** A picker is made at each change of the list (who is in it, a weight, an ejection), never for a
/// request. What should outlive the change, such as whose turn it is, is taken over from `previous`, the picker that
/// this balancer made for the list before. Balancers are values or immutable; one may serve many services.
public protocol LoadBalancer: Sendable {
    /// - Parameters:
    ///   - list: Those that may be picked. All of them are routable.
    ///   - previous: The picker that is replaced, `nil` at first. It may still be picking while this runs.
    func picker(for list: EndpointList, previous: (any Picker)?) -> any Picker
}

/// Picks from one list.
///
/// **Contract.** A pick is one of ``endpoints`` and `nil` only when there are none. It never blocks, does not allocate,
/// and may be made by any number of threads at once: what changes is atomic, or in `random`.
public protocol Picker: AnyObject, Sendable {
    /// All that a pick can be.
    var endpoints: [Endpoint] { get }

    /// The endpoint for a request.
    ///
    /// - Parameter random: Belongs to the caller alone.
    func pick(_ request: PickRequest, using random: inout PickRandom) -> Endpoint?
}

/// What is known of a request when its endpoint is picked.
public struct PickRequest: Sendable, Hashable {
    /// On the same time line as all instants that the upstream is told.
    public var now: Instant
    /// What requests that belong together share, for consistent hashing: see ``StableHash``. Any distribution will do,
    /// the pickers mix it. Policies without affinity ignore it.
    public var hashKey: UInt64?
    /// How many endpoints were refused for this request already: moves a hashing picker on to the next choice.
    public var attempt: Int

    /// A request that is made at `now`, without affinity unless there is a key.
    public init(now: Instant, hashKey: UInt64? = nil, attempt: Int = 0) {
        self.now = now
        self.hashKey = hashKey
        self.attempt = attempt
    }
}
