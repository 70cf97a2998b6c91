// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import NIOCore
internal import Rollcall
internal import Synchronization

/// The open connections of a listener, so that they can be counted and told to end.
///
/// Sendable: all state is behind a lock that is held for a table operation only.
final class ConnectionTable: Sendable {
    private struct State {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isStopping = false
        var onEmpty: EventLoopPromise<Void>?
    }

    private let state = Mutex(State())
    private let countMax: Int
    private let eventLoop: any EventLoop

    init(countMax: Int, eventLoop: any EventLoop) {
        self.countMax = countMax
        self.eventLoop = eventLoop
    }

    /// - Returns: Whether there is room for the connection. It is kept account of in any case.
    func add(_ channel: any Channel) -> Bool {
        let (hasRoom, isStopping) = state.withLock { state in
            let hasRoom = state.channels.count < countMax
            state.channels[ObjectIdentifier(channel)] = channel
            return (hasRoom, state.isStopping)
        }
        if isStopping {
            // Accepted just before the listener closed; its handlers come first.
            channel.eventLoop.execute { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        }
        return hasRoom
    }

    func remove(_ channel: any Channel) {
        let promise: EventLoopPromise<Void>? = state.withLock { state in
            state.channels[ObjectIdentifier(channel)] = nil
            guard state.channels.isEmpty else { return nil }
            defer { state.onEmpty = nil }
            return state.onEmpty
        }
        promise?.succeed()
    }

    /// Asks all connections to end and returns when they have.
    func drain(for time: Duration) async {
        let promise = eventLoop.makePromise(of: Void.self)
        let channels: [any Channel] = state.withLock { state in
            state.isStopping = true
            if !state.channels.isEmpty { state.onEmpty = promise }
            return Array(state.channels.values)
        }
        if channels.isEmpty { promise.succeed() }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        let patience = TimeAmount.nanoseconds(time.wholeNanoseconds)
        let abandon = eventLoop.scheduleTask(in: patience) {
            for channel in self.all() { channel.pipeline.fireUserInboundEventTriggered(HTTPDrainTimeIsOver()) }
        }
        let cut = eventLoop.scheduleTask(in: patience + .seconds(2)) { self.closeAll() }
        try? await promise.futureResult.get()
        abandon.cancel()
        cut.cancel()
    }

    /// Closes all connections, whatever they are doing.
    func closeAll() {
        for channel in all() { channel.close(promise: nil) }
    }

    private func all() -> [any Channel] { state.withLock { Array($0.channels.values) } }
}
