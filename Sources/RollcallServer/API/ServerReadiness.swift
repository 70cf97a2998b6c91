// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// Whether the server wants to be sent requests.
final class ServerReadiness: Sendable {
    private let ready = Atomic<Bool>(true)

    var isReady: Bool { ready.load(ordering: .relaxed) }

    /// The server stops: a balancer in front should look elsewhere.
    func stop() { ready.store(false, ordering: .relaxed) }
}
