// SPDX-License-Identifier: Apache-2.0
// Rollcall

internal import CoreMetrics

/// The measurements of watches over HTTP.
struct WatchMetrics: Sendable {
    private let streams: Meter
    private let refused: Counter
    private let deliveries: Counter
    private let coalesced: Counter
    private let propagation: CoreMetrics.Timer

    init(factory: any MetricsFactory) {
        streams = Meter(label: "rollcall_watch_streams", factory: factory)
        refused = Counter(label: "rollcall_watch_refused", factory: factory)
        deliveries = Counter(label: "rollcall_watch_deliveries", factory: factory)
        coalesced = Counter(label: "rollcall_watch_coalesced", factory: factory)
        propagation = CoreMetrics.Timer(label: "rollcall_watch_propagation", factory: factory)
    }

    func streamOpened() { streams.increment() }
    func streamEnded() { streams.decrement() }
    func streamRefused() { refused.increment() }
    func wasCoalesced() { coalesced.increment() }

    /// - Parameter nanoseconds: From the birth of the oldest change that was delivered.
    func delivered(afterNanoseconds nanoseconds: Int64) {
        deliveries.increment()
        propagation.recordNanoseconds(nanoseconds)
    }

    static let help: [String: String] = [
        "rollcall_watch_streams": "Watches open now.",
        "rollcall_watch_refused": "Watches refused because too many were open.",
        "rollcall_watch_deliveries": "Deliveries of changes to watches.",
        "rollcall_watch_coalesced": "Times that a slow watch was given the newest state instead of every step.",
        "rollcall_watch_propagation": "Time from a change's birth to its delivery to a watch.",
    ]
}
