// SPDX-License-Identifier: Apache-2.0
// Rollcall

/// The instances of a service that may be called, as they change: for whoever makes calls by other means than a
/// ``ServiceClient`` and only wants to know where to.
///
/// The first element comes when the list is known, a further one after each change of these instances. One that reads
/// slowly gets the newest list and misses those in between. An element is empty when nobody may be called. The registry
/// being away changes nothing: the last good list stays.
///
/// These are the instances that the registry calls routable, by the rules of ``EndpointList/Mode``. What the client's
/// own calls have taught of them is not regarded.
///
/// As long as this or one of its iterators is kept, the service counts as used; see
/// ``ServiceClientConfiguration/idleLimit``.
///
/// Each iterator follows for itself. It ends when its task is cancelled or the client is shut down, and never throws.
public struct RoutableInstances: AsyncSequence, Sendable {
    /// Sorted by identifier.
    public typealias Element = [ServiceInstance]
    public typealias Failure = Never

    private let place: FollowerPlace

    init(_ followed: FollowedService) { place = FollowerPlace(followed) }

    public func makeAsyncIterator() -> Iterator { Iterator(follower: place.followed.follower()) }

    public struct Iterator: AsyncIteratorProtocol {
        let follower: ListFollower
        private var last: [ServiceInstance]?

        init(follower: ListFollower) { self.follower = follower }

        public mutating func next() async -> [ServiceInstance]? { await next(until: .distantFuture) }

        /// The next list or, when there is none until `deadline`, the present one again: for those whose use of a list
        /// has failed and is to be tried again. The instant is one of ``ServiceClient/time``.
        public mutating func next(until deadline: Instant) async -> [ServiceInstance]? {
            let alarm = deadline == .distantFuture ? nil : follower.alarm(at: deadline)
            defer { alarm?.cancel() }
            while !Task.isCancelled && !follower.hasEnded {
                if let instances = follower.routable, instances != last || follower.isPast(deadline) {
                    last = instances
                    return instances
                }
                await follower.signal.wait()
            }
            return nil
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async -> [ServiceInstance]? { await next() }
    }
}

/// Keeps a service from being let go as idle until nobody refers to this any more.
private final class FollowerPlace: Sendable {
    let followed: FollowedService

    init(_ followed: FollowedService) {
        self.followed = followed
        followed.addPlaces(1)
    }

    deinit { followed.addPlaces(-1) }
}

/// One who is woken by each change of a list, until nobody refers to it any more.
final class ListFollower: Sendable {
    let signal = WakeSignal()
    private let followed: FollowedService

    init(_ followed: FollowedService) { self.followed = followed }

    deinit { followed.forget(signal) }

    var hasEnded: Bool { followed.hasEnded }
    var routable: [ServiceInstance]? { followed.routable }

    func isPast(_ deadline: Instant) -> Bool { deadline <= followed.time.now() }

    /// Wakes the follower at `deadline`.
    func alarm(at deadline: Instant) -> Task<Void, Never> {
        Task { [signal, time = followed.time] in
            guard (try? await time.sleep(until: deadline)) != nil else { return }
            signal.wake()
        }
    }
}
