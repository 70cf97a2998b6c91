// SPDX-License-Identifier: Apache-2.0
// Rollcall

import Rollcall
import Synchronization

/// A registry whose word a test speaks.
final class ScriptedDiscovery: Discovery {
    private struct State {
        var list: ServiceSnapshot
        var failure: RegistryError?
        var lookups = 0
        var sinks: [AsyncStream<WatchEvent>.Continuation] = []
        var openWatches = 0
    }

    private let state: Mutex<State>

    init(list: ServiceSnapshot) {
        state = Mutex(State(list: list))
    }

    /// How often it was asked.
    var lookups: Int { state.withLock(\.lookups) }

    /// How many watches were begun.
    var watches: Int { state.withLock(\.sinks.count) }

    /// How many of them have not ended.
    var openWatches: Int { state.withLock(\.openWatches) }

    /// What it answers from now on.
    func answer(_ list: ServiceSnapshot) { state.withLock { $0.list = list } }

    /// Why it cannot be asked from now on.
    func fail(_ failure: RegistryError?) { state.withLock { $0.failure = failure } }

    /// Tells all watches.
    func say(_ event: WatchEvent) {
        for sink in state.withLock(\.sinks) { sink.yield(event) }
    }

    func services() async throws(RegistryError) -> [ServiceSummary] { [] }

    func lookup(_ service: ServiceName) async throws(RegistryError) -> ServiceSnapshot {
        let (list, failure) = state.withLock { state in
            state.lookups += 1
            return (state.list, state.failure)
        }
        if let failure { throw failure }
        return list
    }

    func watch(_ scope: WatchScope, from revision: Revision?) -> Watch {
        Watch { [self] in
            let (stream, sink) = AsyncStream.makeStream(of: WatchEvent.self)
            sink.onTermination = { [self] _ in state.withLock { $0.openWatches -= 1 } }
            state.withLock { state in
                state.openWatches += 1
                state.sinks.append(sink)
                let first = WatchSnapshot(revision: state.list.revision, cause: .initial, services: [state.list])
                if state.failure == nil { sink.yield(.snapshot(first)) }
            }
            return StreamSource(stream)
        }
    }
}

private final class StreamSource: WatchSource {
    private let stream: AsyncStream<WatchEvent>
    init(_ stream: AsyncStream<WatchEvent>) { self.stream = stream }

    func next() async -> WatchEvent? {
        // Iterators of a stream share what is in it.
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}
