// SPDX-License-Identifier: Apache-2.0
// Rollcall

package import Rollcall
internal import Synchronization

/// Hands events from the task that reads a stream to the consumer, one at a time: the reader waits until the consumer
/// took the last one. What piles up meanwhile piles up at the server, which then skips to the newest state.
package final class WatchMailbox: Sendable {
    private struct State {
        var event: WatchEvent?
        var consumer: CheckedContinuation<WatchEvent?, Never>?
        var producer: CheckedContinuation<Bool, Never>?
        var isFinished = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Waits until the consumer takes `event`.
    ///
    /// - Returns: `false` when nobody wants more. One task at a time; its cancellation finishes the mailbox.
    package func put(_ event: WatchEvent) async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { producer in
                let (consumer, outcome) = state.withLock { state -> (CheckedContinuation<WatchEvent?, Never>?, Bool?) in
                    if state.isFinished { return (nil, false) }
                    if let consumer = state.consumer {
                        state.consumer = nil
                        return (consumer, true)
                    }
                    precondition(state.event == nil, "two tasks feed one watch")
                    state.event = event
                    state.producer = producer
                    return (nil, nil)
                }
                consumer?.resume(returning: event)
                if let outcome { producer.resume(returning: outcome) }
            }
        } onCancel: {
            finish()
        }
    }

    /// The next event; `nil` at the end. One task at a time; its cancellation finishes the mailbox.
    package func take() async -> WatchEvent? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { consumer in
                let (producer, event) = state.withLock { state -> (CheckedContinuation<Bool, Never>?, WatchEvent??) in
                    if state.isFinished { return (nil, .some(nil)) }
                    if let event = state.event {
                        let producer = state.producer
                        state.event = nil
                        state.producer = nil
                        return (producer, event)
                    }
                    precondition(state.consumer == nil, "two tasks read one watch")
                    state.consumer = consumer
                    return (nil, nil)
                }
                producer?.resume(returning: true)
                if let event { consumer.resume(returning: event) }
            }
        } onCancel: {
            finish()
        }
    }

    /// Ends both sides.
    package func finish() {
        let (consumer, producer) = state.withLock { state in
            let waiting = (state.consumer, state.producer)
            state = State(isFinished: true)
            return waiting
        }
        consumer?.resume(returning: nil)
        producer?.resume(returning: false)
    }
}
