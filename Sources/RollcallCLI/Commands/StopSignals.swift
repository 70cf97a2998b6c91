// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import UnixSignals

/// SIGTERM and SIGINT, for commands that have something to finish first.
enum StopSignals {
    /// An element for each signal that comes from now on. The signals have no other effect while it is being read.
    static func stream() async -> AsyncStream<Void> {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        // A person sends a few signals at most.
        let (stops, source) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            for await _ in signals { source.yield() }
        }
        source.onTermination = { _ in task.cancel() }
        return stops
    }
}
