// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import Synchronization

/// The writes that wait to be decided and made durable together, bounded in number.
final class WriteQueue: Sendable {
    enum Write: Sendable {
        case register(Registration, Life)
        case deregister(InstanceKey, Incarnation?)
        case update(InstanceKey, Incarnation?, InstanceUpdate)
        case finding(LeaseFinding, InstanceKey, Incarnation)
        /// The number of revisions, and what is written with them.
        case records(UInt64, @Sendable (Revision) -> [RecordWrite])
        /// Answered when everything before it was published.
        case barrier
    }

    enum Reply: Sendable {
        case registered(RegistrationReceipt)
        case updated(ServiceInstance)
        /// The first revision of the commit.
        case committed(Revision)
        case done
    }

    struct Entry: Sendable {
        let write: Write
        let continuation: CheckedContinuation<Result<Reply, RegistryError>, Never>?
    }

    private struct State {
        var entries: [Entry] = []
        var isClosed = false
    }

    private let state = Mutex(State())
    private let signal = WakeSignal()
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { state.withLock { $0.entries.count } }

    /// Puts a write into the queue and waits for what comes of it.
    ///
    /// - Throws: `overloaded` or `closed` without waiting, or what the write came to.
    func submit(_ write: Write, _ action: @autoclosure () -> String) async throws(RegistryError) -> Reply {
        let result: Result<Reply, RegistryError> = await withCheckedContinuation { continuation in
            let refusal = state.withLock { state -> RegistryError? in
                if state.isClosed {
                    return RegistryError(
                        .closed, "\(action()): the registry is shutting down", retry: .after(.seconds(1)))
                }
                if state.entries.count >= limit {
                    return RegistryError(
                        .overloaded, "\(action()): \(limit) writes are waiting already", retry: .after(.seconds(1)))
                }
                state.entries.append(Entry(write: write, continuation: continuation))
                return nil
            }
            if let refusal { continuation.resume(returning: .failure(refusal)) } else { signal.wake() }
        }
        return try result.get()
    }

    /// Puts findings of the leases into the queue. They are never refused: there are at most as many as leases.
    func post(_ writes: some Sequence<Write>) {
        state.withLock { state in
            for write in writes { state.entries.append(Entry(write: write, continuation: nil)) }
        }
        signal.wake()
    }

    /// Takes up to `most` writes; waits for one when there is none. Empty when the queue was closed and has run empty.
    func take(most: Int) async -> [Entry] {
        while true {
            let (taken, isClosed) = state.withLock { state -> ([Entry], Bool) in
                guard state.entries.count > most else {
                    let all = state.entries
                    state.entries = []
                    return (all, state.isClosed)
                }
                let first = Array(state.entries.prefix(most))
                state.entries.removeFirst(most)
                return (first, state.isClosed)
            }
            if !taken.isEmpty || isClosed { return taken }
            await signal.wait()
        }
    }

    /// Refuses further writes. Those that wait are still taken.
    func close() {
        state.withLock { $0.isClosed = true }
        signal.wake()
    }
}
